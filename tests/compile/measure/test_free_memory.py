"""Free memory is the least that anything leaves: the machine, a control group of either version, a limit of the process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest

from compile.measure.free_memory import free_memory

GIB = 1 << 30


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with 8 GiB free, whose process is in the control group /a/b."""
    own = tmp_path / "proc/self"
    own.mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {8 << 20} kB\n")
    (own / "cgroup").write_text("4:memory:/a/b\n1:cpu,cpuacct:/\n0::/a/b\n")
    (own / "statm").write_text(f"{GIB // resource.getpagesize()} 1 1\n")
    return tmp_path


def _group(folder: Path, stat: str, **files: int | str) -> None:
    folder.mkdir(parents=True)
    (folder / "memory.stat").write_text(stat)
    for name, value in files.items():
        (folder / name.replace("memory_", "memory.")).write_text(f"{value}\n")


def test_of_the_machine(root: Path):
    assert free_memory(root) == 8 * GIB


def test_of_control_groups(root: Path):
    first = {"memory_limit_in_bytes": 9 * GIB, "memory_usage_in_bytes": 3 * GIB}
    _group(root / "sys/fs/cgroup/memory/a/b", f"total_inactive_file {GIB}\ninactive_file 0\n", **first)
    assert free_memory(root) == 7 * GIB
    _group(root / "sys/fs/cgroup/a/b", "inactive_file 0\n", memory_max="max", memory_current=GIB)
    assert free_memory(root) == 7 * GIB
    _group(root / "sys/fs/cgroup2", "", memory_max=1, memory_current=1)  # no group of this process
    (root / "sys/fs/cgroup/a/memory.max").write_text(str(5 * GIB))
    (root / "sys/fs/cgroup/a/memory.current").write_text(str(2 * GIB))
    (root / "sys/fs/cgroup/a/memory.stat").write_text(f"inactive_file {GIB}\n")
    assert free_memory(root) == 4 * GIB
    (root / "sys/fs/cgroup/a/memory.current").write_text(str(7 * GIB))
    assert free_memory(root) == 0


def test_of_a_limit(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (3 * GIB, 3 * GIB))
    assert free_memory(root) == 2 * GIB


def test_here():
    assert 0 < free_memory() < 1 << 50


def test_without_a_proc_folder_nothing_is_known(tmp_path: Path):
    assert free_memory(tmp_path) == sys.maxsize
