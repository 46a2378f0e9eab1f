"""What limits of the machine take away is one error with what is needed; nothing spins, aborts or shows a traceback."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from compile.cli import main
from compile.command import shortage
from compile.command.shortage import MIB
from ir.errors import CompileError

FULL = ["-m", shortage.__name__.partition("compile")[0] + "compile"]
"""How the command is started from here: as a checkout's, or as the installed package."""


def limited(kibibytes: int, *arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of the command in an address space of so many KiB."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (kibibytes << 10, kibibytes << 10))

    argv = [sys.executable, *FULL, *arguments]
    done = subprocess.run(argv, preexec_fn=limit, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if torch were not loaded yet: no more is refused afterwards."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)


@pytest.mark.slow
def test_too_small_an_address_space_is_one_error_that_says_what_is_needed(tiny: Path):
    argv = [str(tiny), "--target", "gpu", "--samples", "2", "--quiet"]
    code, (error, hint) = limited(500_000, *argv)
    assert (code, error) == (
        2,
        "error[machine.memory]: the address space is limited to 488 MiB, and torch cannot be loaded in it",
    )
    assert "ulimit -v" in hint
    code, (error, _) = limited(3_400_000, *argv)
    needed = re.search(r"limited to 3,320 MiB, and ([0-9,]+) MiB are needed", error)
    assert (code, needed is not None) == (2, True), error
    assert limited(100_000, "--list", "ops")[0] == 0


def test_what_torch_takes_is_measured_and_what_the_rest_takes_is_added(
    not_loaded: None, tiny: Path, monkeypatch, fails
):
    limits = {resource.RLIMIT_AS: 4000 * MIB}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], limits[kind]))
    monkeypatch.setattr(shortage, "_address_space_with_torch", lambda: 3000 * MIB)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    fails([str(tiny), "--target", "gpu"], 2, "machine.memory", "limited to 4,000 MiB, and 4,408 MiB are needed")
    limits[resource.RLIMIT_AS] = 4408 * MIB
    shortage.check_machine()


def test_too_few_threads_are_one_error_before_anything_is_loaded(not_loaded: None, tiny: Path, monkeypatch, fails):
    tried: list[int] = []
    monkeypatch.setattr(shortage, "can_start", lambda threads: tried.append(threads))
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    fails([str(tiny), "--target", "gpu"], 2, "machine.threads", "12 threads")
    fails(["evaluate", str(tiny)], 2, "machine.threads", "OMP_NUM_THREADS=1")
    assert tried == [12, 12]
    assert main(["--list", "profiles"]) == 0


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("can't start new thread", "machine.threads"),
        ("[enforce fail at alloc_cpu.cpp:83] DefaultCPUAllocator: can't allocate memory: you tried", "memory"),
        ("anything else", None),
    ],
)
def test_what_libraries_say_about_threads_and_memory(text: str, rule: str | None):
    error = shortage.shortage(RuntimeError(text))
    assert (error.rule if isinstance(error, CompileError) else None) == rule
