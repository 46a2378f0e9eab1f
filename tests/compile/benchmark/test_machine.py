"""The machine in words; what cannot be found out is said or left out, never an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compile.benchmark import machine as machine_module
from compile.benchmark.machine import cores, machine


def test_the_machine_is_described():
    described = machine()
    assert all(described.values())
    assert {"CPU", "instructions", "cores", "load", "memory", "GPU", "threads", "system", "torch"} <= set(described)
    assert int(described["cores"]) >= 1


@pytest.mark.parametrize(
    ("text", "name", "flags"),
    [
        (
            "model name\t: Chip: 9\nflags\t: sse avx2 amx_int8\n\nmodel name\t: other\nflags\t: avx512f\n",
            "Chip: 9",
            "avx2 amx_int8",
        ),
        ("processor: 0\nFeatures : fp i8mm asimd\n", None, "asimd i8mm"),
    ],
)
def test_the_first_processor_speaks_for_all(text: str, name: str | None, flags: str, tmp_path: Path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(machine_module, "Path", lambda path: tmp_path / Path(path).name)
    described = machine()
    assert described["instructions"] == flags
    assert name in (None, described["CPU"])


def test_what_cannot_be_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object) -> float:
        raise OSError

    monkeypatch.setattr(machine_module, "Path", lambda path: tmp_path / "none")
    monkeypatch.setattr(os, "getloadavg", unknown)
    monkeypatch.setattr(os, "sysconf", unknown)
    monkeypatch.setattr(machine_module, "PACKAGES", ("numpy", "no-such-package"))
    described = machine()
    assert (described["load"], described["memory"], described["instructions"]) == ("unknown", "unknown", "")
    assert "numpy" in described
    assert "no-such-package" not in described


def test_only_cores_that_the_process_may_use_are_counted():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert cores() == len(allowed)
