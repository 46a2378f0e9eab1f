"""Processes that are killed, stopped or interrupted: the work is done once more, and nothing is left."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from compile.evaluation import processes as processes_module
from compile.evaluation.processes import ATTEMPTS, processes
from ir.errors import CompileError
from tests.compile.evaluation import losses


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def wait_for(condition, patience_s: float = 60) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_keeps_what_is_shared_and_answers_in_turn():
    first, second = ["first"], ["second"]
    with processes(1) as submit:
        sent = [submit(losses.gathered, shared, number) for shared, number in [(first, 1), (first, 2), (second, 3)]]
        assert [future.result() for future in sent] == [["first", 1], ["first", 1, 2], ["second", 3]]
        with pytest.raises(TypeError, match="concatenate"):
            submit(operator.concat, first, 1).result()
        assert submit(operator.getitem, first, 0).result() == "first"


def test_work_of_a_killed_process_is_done_by_another_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    lives = tmp_path / "lives"
    lives.write_text("1")
    with processes(1) as submit:
        assert submit(losses.signal_itself, lives, signal.SIGKILL).result() != os.getpid()
    assert capsys.readouterr().err == "  lost a worker process, which was ended by signal 9\n"


def test_a_stopped_process_is_replaced_and_one_that_computes_for_long_is_not(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(processes_module, "SILENT_S", 3)
    lives = tmp_path / "lives"
    lives.write_text("1")
    with processes(2) as submit:
        long = submit(losses.sleep, tmp_path / "started", 4)
        assert submit(losses.signal_itself, lives, signal.SIGSTOP).result() != os.getpid()
        assert long.result() is None
    assert capsys.readouterr().err == "  lost a worker process, which gave no sign of life for 3 s\n"


def test_work_that_ends_every_process_is_one_error_and_others_go_on(tmp_path: Path):
    lives = tmp_path / "lives"
    lives.write_text("1" * ATTEMPTS)
    with processes(1) as submit:
        fatal, fine = submit(losses.signal_itself, lives, signal.SIGKILL), submit(operator.add, 1, 2)
        with pytest.raises(CompileError, match=r"cluster\.worker(.|\n)*3 worker processes(.|\n)*signal 9"):
            fatal.result()
        assert fine.result() == 3


def test_an_interrupt_ends_them(tmp_path: Path):
    started, sent = tmp_path / "started", list[Future[object]]()

    def interrupted() -> None:
        with processes(1) as submit:
            sent.extend(submit(losses.sleep, started, 600) for _ in range(2))
            wait_for(lambda: started.exists() and started.read_text())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not is_alive(int(started.read_text()))
    assert all(future.done() for future in sent)


ALONE = """
import sys
from pathlib import Path
from {processes} import processes
from {losses} import sleep
with processes(1) as submit:
    submit(sleep, Path(sys.argv[1]), 600).result()
"""


def test_a_killed_command_leaves_no_process_and_no_shared_memory(tmp_path: Path):
    started = tmp_path / "started"
    code = ALONE.format(processes=processes.__module__, losses=losses.__name__)
    command = subprocess.Popen([sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{code}", str(started)])
    wait_for(lambda: started.exists() and started.read_text())
    maps = [Path(f"/proc/{process}/maps").read_text() for process in (command.pid, int(started.read_text()))]
    command.kill()
    command.wait()
    wait_for(lambda: not is_alive(int(started.read_text())))
    assert not any("/dev/shm" in text for text in maps)
