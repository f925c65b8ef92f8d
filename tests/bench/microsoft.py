"""The emulator in a process of its own, by TLS, for both sites."""

import signal
import sys
import threading

from tests.emulator.server import Emulator


def main(port: str, certificate: str, key: str) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with Emulator(int(port), tls=(certificate, key), stock=True):
        ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
