"""The process of a worker: ports by its messages, a class for their numbers, sending before receiving, failures told."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from backends.lava.runtime.children import start_by_forking
from backends.lava.runtime.shared_memory import Status

pytestmark = pytest.mark.lava


@pytest.fixture
def module():
    """The module under test; Lava must not be imported before its way to start processes is chosen."""
    start_by_forking()
    from backends.lava.processes import worker_process
    from backends.lava.runtime.safe_run import processes_forgotten

    with processes_forgotten():
        yield worker_process


class Echo:
    """Sends what it received in the step before, and notes in which order it was asked."""

    def __init__(self, sends: tuple[int, ...], receives: tuple[int, ...], log: list[str]) -> None:
        self.sends, self.receives, self.log = sends, receives, log
        self.messages = [np.zeros(size) for size in sends]

    def step(self):
        self.log.append("step")
        return self.messages

    def take(self, messages):
        self.log.append("take")
        self.messages = messages


class Port:
    """A port that notes what goes through it."""

    def __init__(self, name: str, log: list[str], message: np.ndarray | None = None) -> None:
        self.name, self.log, self.message = name, log, message

    def send(self, message: np.ndarray) -> None:
        self.log.append(f"send {self.name}")
        self.message = message

    def recv(self) -> np.ndarray | None:
        self.log.append(f"receive {self.name}")
        return self.message


def test_ports_have_the_sizes_of_the_messages(module):
    process = module.worker_process(Echo((3,), (2, 4), []), np.int32)
    assert [port.shape for port in (process.in_0, process.in_1, process.out_0)] == [(2,), (4,), (3,)]


def test_processes_of_as_many_ports_share_their_classes(module):
    first, second = (module.worker_process(Echo((size,), (1,), []), np.int32) for size in (3, 5))
    other = module.worker_process(Echo((3,), (1,), []), np.float64)
    assert type(first) is type(second) is not type(other)
    assert first.runs is second.runs is not other.runs
    for kind in (type(first), first.runs):
        assert getattr(sys.modules[module.__name__], kind.__name__) is kind, "where Lava looks for it"
    assert (first.runs.ports_in, first.runs.ports_out) == (1, 1)
    assert (first.runs.in_0.d_type, other.runs.out_0.d_type) == (np.int32, np.float64)


def test_a_step_sends_before_it_receives(module):
    log: list[str] = []
    worker = Echo((2,), (2, 2), log)
    ports = {name: Port(name, log, np.full(2, k)) for k, name in enumerate(("in_0", "in_1", "out_0"))}
    module.WorkerModel._work(SimpleNamespace(ports_in=2, **ports), worker)
    assert log == ["step", "send out_0", "receive in_0", "receive in_1", "take"]
    assert ports["out_0"].message.tolist() == [0, 0]
    assert [message.tolist() for message in worker.messages] == [[0, 0], [1, 1]]


def test_progress_and_failure_are_told(module):
    status = Status()
    model = SimpleNamespace(proc_params={"worker": None, "status": status}, _work=lambda worker: None, time_step=7)
    module.WorkerModel.run_spk(model)
    assert (status.step, status.failure) == (7, "")
    model._work = lambda worker: 1 / 0
    with pytest.raises(ZeroDivisionError):
        module.WorkerModel.run_spk(model)
    assert "ZeroDivisionError" in status.failure
    assert status.step == 7
    model.proc_params["status"] = None
    with pytest.raises(ZeroDivisionError):
        module.WorkerModel.run_spk(model)
