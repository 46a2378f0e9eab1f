"""Whatever happens to a run, it ends with one clear error, and no process and no shared memory is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from backends.lava.engine import LavaEngine
from backends.lava.runtime import children
from ir.errors import CompileError

pytestmark = [pytest.mark.lava, pytest.mark.checkout]  # its programs import the checkout

ROOT = Path(__file__).parents[4]
PATIENCE_S = 300
"""A session that takes longer hangs; nothing else depends on how long anything takes."""

SCRIPT = """
import os, sys, time
import numpy as np
from backends.lava.engine import LavaEngine
from backends.lava.core.worker import CoreWorker, HostWorker
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif
from multiprocessing import shared_memory

os.register_at_fork(after_in_parent=lambda: print("forked", flush=True))
def named(self, *args, **options):
    print("segment", flush=True)
shared_memory.SharedMemory.__init__ = named

b = GraphBuilder("small", 2)
x = b.add(Input("spike[4]"), name="x")
weight = b.param("w", np.arange(-8, 8).reshape(4, 4).astype(np.int8))
y = b.add(IntegerLif(4095, 0, 1, 6, 12, 24), b.add(Linear(), x, name="l", params={"weight": weight}), name="y")
chip = b.build({"y": y})
{harm}
try:
    trace = LavaEngine(chip, "{emission}", deadline_s={deadline_s}, lanes=1).run({"x": np.ones((2, {samples}, 4), np.int64)})
    print("spikes", trace.events.spikes["y"])
except CompileError as error:
    print("rule", error.rule)
    print(error)
except KeyboardInterrupt:
    print("interrupted")
sys.exit(0)
"""

AT_STEP_3 = """
step = {worker}.step
def harmed(self):
    if self_steps(self) == 3:
        {deed}
    return step(self)
def self_steps(self):
    return self.core.steps_done if isinstance(self, CoreWorker) else self.steps_done
{worker}.step = harmed
"""
FAILS = AT_STEP_3.replace("{deed}", "raise AssertionError('the dog ate it')")
DIES = AT_STEP_3.replace("{deed}", "os.kill(os.getpid(), 9)")
HANGS = (
    AT_STEP_3.replace("{deed}", "time.sleep(3600)")
    + """
from backends.lava.runtime import safe_run
start = safe_run._watch_start
safe_run._watch_start = lambda runtime, deadline_s: start(runtime, {patience_s})
"""
)
STOPS = (
    AT_STEP_3.replace("{deed}", "os.kill(os.getpid(), 19)")
    + """
from backends.lava.runtime import safe_run
safe_run.STOPPED_S = 1.0
"""
)
FEW_FILES = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
CANNOT_BE_BUILT = """
from backends.lava.processes.worker_process import WorkerModel
def refuse(self, params):
    raise ValueError("no room here")
WorkerModel.__init__ = refuse
"""
TAKES_ITS_TIME = """
step = {worker}.step
def slow(self):
    print("working", flush=True)
    time.sleep(0.05)
    return step(self)
{worker}.step = slow
"""


class Session:
    """A Python process of its own session, its output, and what is left of it."""

    def __init__(self, harm="", worker="CoreWorker", emission="fused", samples=5, deadline_s=PATIENCE_S):
        code = SCRIPT.replace("{harm}", harm.replace("{worker}", worker)).replace("{emission}", emission)
        code = code.replace("{samples}", str(samples)).replace("{deadline_s}", str(deadline_s))
        code = code.replace("{patience_s}", str(PATIENCE_S))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True, **pipes)
        self.output = ""

    def finish(self):
        """The whole output, after the process and everything it started have ended."""
        try:
            rest, _ = self.process.communicate(timeout=PATIENCE_S)
        finally:
            self.process.kill()
        self.output += rest
        return self.output

    def read_until(self, word):
        for line in self.process.stdout:
            self.output += line
            if word in line:
                return
        raise AssertionError(self.output)

    def leftovers(self):
        """Processes of the session that do not end, and named shared memory that they used or left."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self._processes():
            time.sleep(0.05)
        return self._processes() + [line for line in self.output.splitlines() if line.startswith("segment")]

    def _processes(self):
        return [path.parent.name for path in Path("/proc").glob("[0-9]*/stat") if _session_of(path) == self.process.pid]


def _session_of(path):
    try:
        state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return 0
    return 0 if state == "Z" else int(session)


def test_a_run_that_goes_well_leaves_nothing_and_needs_few_files():
    session = Session(FEW_FILES)
    output = session.finish()
    assert "spikes" in output
    assert "Traceback" not in output
    assert session.process.returncode == 0
    assert "forked" in output
    assert session.leftovers() == []


@pytest.mark.parametrize(
    ("harm", "worker", "emission", "rule", "said"),
    [
        (HANGS, "CoreWorker", "fused", "lava.hang", "no progress for 2 s after step"),
        (STOPS, "HostWorker", "stock", "lava.stopped", "has been stopped (SIGSTOP) for 1 s"),
        (FAILS, "CoreWorker", "fused", "lava.process", "the dog ate it"),
        (FAILS, "HostWorker", "stock", "lava.process", "the dog ate it"),
        (DIES, "CoreWorker", "fused", "lava.died", "exit code -9"),
        (DIES, "HostWorker", "stock", "lava.died", "exit code -9"),
        (CANNOT_BE_BUILT, "", "fused", "lava.process", "no room here"),
    ],
    ids=["hang", "stop-stock", "failure", "failure-stock", "death", "death-stock", "build"],
)
def test_harm_to_a_child_ends_in_one_error(harm, worker, emission, rule, said):
    session = Session(harm, worker, emission, deadline_s=2.0 if harm == HANGS else PATIENCE_S)
    output = session.finish()
    assert f"rule {rule}" in output
    assert said in output
    assert session.process.returncode == 0
    assert session.leftovers() == []


@pytest.mark.parametrize("emission", ["fused", "stock"])
@pytest.mark.parametrize("group", [False, True])
def test_interrupts_are_passed_on_after_the_clean_up(group, emission):
    session = Session(TAKES_ITS_TIME, "HostWorker", emission, samples=500)
    session.read_until("working")
    (os.killpg if group else os.kill)(session.process.pid, signal.SIGINT)
    output = session.finish()
    assert output.count("interrupted") == 1
    assert "Traceback" not in output
    assert session.leftovers() == []


@pytest.mark.parametrize("forks", [1, 2], ids=["threads-tried", "processes"])
def test_an_interrupt_while_starting_is_not_lost(forks):
    session = Session(TAKES_ITS_TIME, "HostWorker", samples=500)
    for _ in range(forks):
        session.read_until("forked")
    os.killpg(session.process.pid, signal.SIGINT)
    output = session.finish()
    assert output.count("interrupted") == 1
    assert "Traceback" not in output
    assert session.leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_children_die_with_their_parent(number):
    session = Session(TAKES_ITS_TIME, "HostWorker", samples=500)
    session.read_until("working")
    os.kill(session.process.pid, number)
    session.finish()
    assert session.process.returncode == -number
    assert session.leftovers() == []


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_another_way_to_start_processes_is_no_obstacle(way):
    session = Session(f"import multiprocessing; multiprocessing.set_start_method({way!r})")
    assert "spikes" in session.finish()
    assert session.leftovers() == []


def test_too_many_processes_are_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr(children.resource, "getrlimit", lambda kind: (1024, 4096))
    with pytest.raises(
        CompileError, match=r"lava\.processes.*701 Lava processes need about 42\d\d open files, limit 4096"
    ):
        children.check_limits(700)


def test_too_few_threads_are_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr(children, "can_start", lambda threads: threads < 60)
    children.check_limits(3)
    with pytest.raises(CompileError, match=r"lava\.processes.*5 Lava processes need about 60 threads"):
        children.check_limits(4)


def test_one_engine_runs_again_after_a_failure(network, monkeypatch):
    graph, inputs = network(4)
    engine = LavaEngine(graph)
    before = engine.run(inputs)
    with monkeypatch.context() as patch:
        patch.setattr("backends.lava.core.worker.CoreWorker.step", lambda self: 1 / 0)
        with pytest.raises(CompileError, match=r"lava\.process.*ZeroDivisionError"):
            engine.run(inputs)
    after = engine.run(inputs)
    assert all(np.array_equal(after.outputs[name], before.outputs[name]) for name in before.outputs)
