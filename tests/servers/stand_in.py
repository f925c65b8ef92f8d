"""What stands for `python` in processes of the fork server: it asks for one more, and is that one.

It runs in an interpreter of its own each time, and so imports next to nothing.
"""

import _socket
import marshal
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

STANDARD = 3  # input, output and errors
STARTED = b"+"  # before the process id; another answer is no


def ask(
    paths: Iterable[str],
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    files: Sequence[int],
) -> tuple[_socket.socket, int]:
    """Have a program started by the first server that takes it.

    What comes back: where its exit status will come, and its process id.
    """
    message = marshal.dumps((list(command), dict(env), cwd))
    descriptors = b"".join(file.to_bytes(4, sys.byteorder) for file in files)
    for path in paths:
        asker = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        asker.connect(path)
        asker.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        answer = asker.recv(64)
        if answer.startswith(STARTED):
            return asker, int(answer.removeprefix(STARTED))
        asker.close()
    raise RuntimeError(f"no fork server took {command}")


def stand_in(paths: Sequence[str], command: Sequence[str]) -> NoReturn:
    """Be `python COMMAND` to whoever started this process: the same files, the same end."""
    cwd = os.getcwd()  # noqa: PTH109
    asker, _pid = ask(paths, command, os.environ, cwd, range(STANDARD))
    status = int(asker.recv(64) or b"1")
    os._exit(status if status >= 0 else 128 - status)
