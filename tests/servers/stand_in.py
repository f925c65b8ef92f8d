"""What stands for `python` in processes of the fork server: it asks for one more, and is that one.

It runs in an interpreter of its own each time, and so imports next to nothing.
"""

import _socket
import marshal
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

STANDARD = 3  # input, output and errors


def ask(
    path: str, command: Sequence[str], env: Mapping[str, str], cwd: str, files: Sequence[int]
) -> _socket.socket:
    """Have a program started; what comes back are its process id and then its exit status."""
    asker = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    asker.connect(path)
    message = marshal.dumps((list(command), dict(env), cwd))
    descriptors = b"".join(file.to_bytes(4, sys.byteorder) for file in files)
    asker.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    return asker


def stand_in(path: str, command: Sequence[str]) -> NoReturn:
    """Be `python COMMAND` to whoever started this process: the same files, the same end."""
    asker = ask(path, command, os.environ, os.getcwd(), range(STANDARD))  # noqa: PTH109
    asker.recv(64)
    status = int(asker.recv(64) or b"1")
    os._exit(status if status >= 0 else 128 - status)
