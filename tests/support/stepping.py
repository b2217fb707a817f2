"""A clock that a test steps: of processes that it starts, by what the service asks for the time."""

import struct
from pathlib import Path
from typing import Final

# Found on the path by every interpreter that starts, workers included. The service asks `time.time` and nothing else.
_PATCH: Final = """
import mmap, os, struct, time

_file = os.open(os.path.join(os.path.dirname(__file__), "step"), os.O_RDONLY)
_step = mmap.mmap(_file, 8, prot=mmap.PROT_READ)
_now = time.time
time.time = lambda: _now() + struct.unpack("d", _step)[0]
"""


class SteppedClock:
    """The wall clock of every process whose ``PYTHONPATH`` begins with ``directory``."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        (directory / "sitecustomize.py").write_text(_PATCH)
        (directory / "step").write_bytes(struct.pack("d", 0.0))

    def step(self, seconds: float) -> None:
        """Sets it so many seconds ahead of this machine's, or behind."""
        with (self.directory / "step").open("r+b") as file:
            file.write(struct.pack("d", seconds))
