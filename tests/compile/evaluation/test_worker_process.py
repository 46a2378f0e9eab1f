"""A worker process alone: what it answers, and that it ends with whoever has the other end of its socket."""

from __future__ import annotations

import operator
import pickle
import socket
import threading

import pytest

from compile.evaluation import worker_process
from compile.evaluation.worker_process import Computer, Failure, serve
from ir.errors import CompileError
from tests.compile.evaluation import losses


def fail(shared: object, argument: object) -> None:
    raise CompileError("run.input", "it does not fit", hint=str(argument))


def asked(computer: Computer, *call: object) -> object:
    return pickle.loads(computer.answer(pickle.dumps(call)))


def test_what_is_shared_is_kept_until_something_else_is():
    computer = Computer()
    assert asked(computer, losses.gathered, ["first"], 1) == ["first", 1]
    assert asked(computer, losses.gathered, None, 2) == ["first", 1, 2]
    assert asked(computer, losses.gathered, ["second"], 3) == ["second", 3]


def test_an_exception_is_an_answer_that_says_where_it_was_raised():
    failure = asked(Computer(), fail, "network", "do it")
    assert isinstance(failure, Failure)
    assert str(failure.error) == "error[run.input]: it does not fit\n  hint    do it"
    assert "in fail" in failure.traceback


def test_it_beats_while_it_computes_and_ends_with_the_other_end(monkeypatch: pytest.MonkeyPatch, tmp_path):
    ended: list[int] = []
    monkeypatch.setattr(worker_process, "BEAT_S", 0.01)
    monkeypatch.setattr(worker_process.os, "_exit", ended.append)
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=serve, args=[theirs.detach()])
    thread.start()
    with ours, ours.makefile("rwb") as stream:
        pickle.dump(pickle.dumps((losses.sleep, tmp_path / "started", 0.1)), stream)
        stream.flush()
        beats = 0
        while (answer := pickle.load(stream)) is None:
            beats += 1
        assert pickle.loads(answer) is None
        assert beats >= 2
        pickle.dump(pickle.dumps((operator.add, 1, 2)), stream)
        stream.flush()
        assert pickle.loads(pickle.load(stream)) == 3
    thread.join()
    assert ended == [0]
