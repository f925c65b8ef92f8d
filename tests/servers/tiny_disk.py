"""A disk of few megabytes, which can be full; needs root."""

import subprocess
from pathlib import Path
from typing import Self

from tests.servers.process import scratch


class TinyDisk:
    """`with TinyDisk() as disk: disk.path`; `fill()` leaves no byte free."""

    def __init__(self, kilobytes: int = 1024, *, owner: int = 0) -> None:
        self.path: Path = scratch("disk")
        self._options = f"size={kilobytes}k,uid={owner},mode=0700"

    def __enter__(self) -> Self:
        mount = ["mount", "-t", "tmpfs", "-o", self._options, "tiny", str(self.path)]
        subprocess.run(mount, check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    def fill(self) -> None:
        try:
            with (self.path / "of-another-program").open("wb", buffering=0) as file:
                while file.write(b"x" * 4096):
                    pass
        except OSError:  # no space is left
            return
