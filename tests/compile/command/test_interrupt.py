"""Ctrl-C in the middle of a Lava run: the right exit code, no orphans, no shared memory, no output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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


@pytest.mark.lava
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_during_a_lava_run(tmp_path: Path, number: signal.Signals, code: int):
    shared = set(os.listdir("/dev/shm"))
    argv = [sys.executable, "-m", "compile", "models/cmsf.py", "--part", "image", "--samples", "900"]
    run = subprocess.Popen(
        [*argv, "--out", str(tmp_path / "out")], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert run.stderr is not None
    said = ""
    while "run on Lava" not in said:
        letter = run.stderr.read(1)
        assert letter, f"ended early: {said}"
        said += letter
    time.sleep(0.7)
    os.killpg(run.pid, number)
    _, rest = run.communicate(timeout=60)
    assert "Traceback" not in rest
    assert run.returncode == code, said + rest
    deadline = time.monotonic() + 10  # multiprocessing's own helper ends a moment after its parent
    while (processes_of(run.pid) or set(os.listdir("/dev/shm")) - shared) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(run.pid) == []
    assert set(os.listdir("/dev/shm")) <= shared
    assert not (tmp_path / "out").exists()
