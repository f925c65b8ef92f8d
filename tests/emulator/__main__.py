"""The local Entra ID by itself, until Ctrl-C. Whoever reaches it can be anyone: loopback only."""

import argparse
import signal
import sys
import threading

from .ids import CLIENT_ID, CLIENT_SECRET, DEFAULT_PORT, TENANT
from .listen import NotLoopback
from .server import Emulator

# What leads a site here; one that runs with DEBUG and sets nothing finds it by itself.
SETTINGS = f"""  MICROSOFT_LOGIN_URL={{url}}
  MICROSOFT_TENANT_ID={TENANT}
  MICROSOFT_CLIENT_ID={CLIENT_ID}
  MICROSOFT_CLIENT_SECRET={CLIENT_SECRET}"""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        emulator = Emulator(
            options.port, delay_ms=options.delay_ms, host=options.host, stock=options.stock
        )
        emulator.start()
    except (NotLoopback, OSError) as problem:
        print(f"The Entra emulator did not start: {problem}", file=sys.stderr)
        return 1
    _wait(emulator)
    return 0


def _wait(emulator: Emulator) -> None:
    ended = threading.Event()
    for how in (signal.SIGINT, signal.SIGTERM):
        signal.signal(how, lambda *_: ended.set())
    print(f"Local Entra ID at {emulator.url}", flush=True)
    print(SETTINGS.format(url=emulator.url), flush=True)
    ended.wait()
    emulator.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--host", default="localhost", help="a loopback host (localhost)")
    parser.add_argument("--delay-ms", type=float, default=0, help="how long a round trip takes")
    parser.add_argument(
        "--stock", action="store_true", help="Entra's own paths; PKCE and openid not demanded"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
