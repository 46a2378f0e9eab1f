"""Ctrl-C in the middle of a Lava run: the right exit code, no orphans, no shared memory, no output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PATIENCE_S = 300


def processes_of(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def segments() -> set[str]:
    """Names of shared memory."""
    return set(os.listdir("/dev/shm"))


def ownerless(before: set[str]) -> set[str]:
    """New shared memory that no living process uses; what other tests use at this moment is theirs."""
    used = ""
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):
            used += maps.read_text()
    return {name for name in segments() - before if f"/dev/shm/{name}" not in used}


@pytest.mark.lava
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_during_a_lava_run(tmp_path: Path, number: signal.Signals, code: int):
    shared = segments()
    argv = [sys.executable, "-m", "compile", "models/cmsf.py", "--part", "image", "--samples", "500"]
    run = subprocess.Popen(
        [*argv, "--out", str(tmp_path / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stderr is not None
    said = ""
    while "run on Lava" not in said:
        letter = run.stderr.read(1)
        assert letter, f"ended early: {said}"
        said += letter
    while len(processes_of(run.pid)) == 1:  # it has not forked Lava's processes yet
        time.sleep(0.02)
    os.killpg(run.pid, number)
    _, rest = run.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in rest
    assert run.returncode == code, said + rest
    deadline = time.monotonic() + PATIENCE_S  # multiprocessing's own helper ends a moment after its parent
    while (processes_of(run.pid) or ownerless(shared)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(run.pid) == []
    assert ownerless(shared) == set()
    assert not (tmp_path / "out").exists()
