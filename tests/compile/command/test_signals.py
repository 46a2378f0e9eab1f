"""Being asked to end unwinds: whatever was begun is cleared away."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from compile.cli import main
from compile.command.exit_code import exit_code
from compile.command.signals import SignalReceived, raise_on_signals
from compile.output.atomic_folder import atomic_folder
from ir.errors import CompileError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_of_a_folder_being_written(tmp_path: Path, number: signal.Signals):
    before = signal.getsignal(number)

    def run() -> None:
        with raise_on_signals(), atomic_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text("a")
            os.kill(os.getpid(), number)

    with pytest.raises(SignalReceived) as ended:
        run()
    assert ended.value.exit_code == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) == before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raise_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_request_that_arrives_in_the_users_code_is_not_the_models_error(capsys, tiny: Path):
    tiny.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n" + tiny.read_text())
    assert main([str(tiny), "--target", "gpu"]) == 128 + signal.SIGTERM
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted by SIGTERM"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_that_a_library_swallows_ends_the_program_at_the_next_stage(capsys, tiny: Path, number: int):
    swallowed = f"import os\ntry:\n    os.kill(os.getpid(), {int(number)})\nexcept BaseException:\n    pass\n"
    tiny.write_text(swallowed + tiny.read_text())
    out = tiny.parent / "out"
    assert main([str(tiny), "--target", "gpu", "--out", str(out)]) == 128 + number
    assert "interrupted by" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("error", [ZeroDivisionError, CompileError, SystemExit, KeyboardInterrupt])
def test_whatever_a_library_makes_of_a_request_is_that_request(error: type[BaseException], capsys):
    def run() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except SignalReceived:
            raise error("rule", "what") from None
        return 0

    assert exit_code(run) == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "interrupted by SIGTERM\n"


def test_so_is_what_it_drops_on_the_way(capsys):
    class Wraps:
        def __del__(self) -> None:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except SignalReceived:
                raise SystemError("error return without exception set") from None

    def run() -> int:
        Wraps()
        return 0

    assert exit_code(run) == 0
    assert capsys.readouterr().err == ""


def test_a_request_that_python_drops_is_heeded_before_files_appear(tmp_path: Path, capsys):
    class Finalised:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    def run() -> None:
        with raise_on_signals(), atomic_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text("a")
            Finalised()

    with pytest.raises(SignalReceived):
        run()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""
