"""What worker processes of tests compute; it imports next to nothing, since they start for every test."""

from __future__ import annotations

import os
import time
from pathlib import Path


def signal_itself(lives: Path, number: int) -> int:
    """End or stop the process by a signal, as often as the file has letters: each life takes one; then its process id."""
    left = lives.read_text()
    if left:
        lives.write_text(left[1:])
        os.kill(os.getpid(), number)
    return os.getpid()


def gathered(shared: list[object], argument: object) -> list[object]:
    """All arguments since `shared` came into this process."""
    shared.append(argument)
    return shared


def sleep(started: Path, seconds: float) -> None:
    """Write the process id to a file, and sleep."""
    started.write_text(str(os.getpid()))
    time.sleep(seconds)
