"""Batches on the threads of this process, on processes and on Dask clusters: the same bits, and all ends with the block."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from compile.evaluation import workers as workers_module
from compile.evaluation.cli import main
from compile.evaluation.evaluate import BATCH_SAMPLES
from compile.evaluation.workers import workers_of
from tests.compile.evaluation.test_cluster import NO_DASHBOARD


@pytest.mark.slow
@pytest.mark.parametrize("where", ["local", "address"])
def test_the_same_bits_everywhere(measured: Path, tmp_path: Path, where: str, stored, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers_module, "cores", lambda: 1)  # a process takes seconds to start
    assert main([str(measured), "--out", str(tmp_path / "here")]) == 0
    arguments = [str(measured), "--out", str(tmp_path / "there"), "--cluster"]
    if where == "local":
        assert main([*arguments, "local"]) == 0
    else:
        distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
        with distributed.LocalCluster(n_workers=2, processes=False, **NO_DASHBOARD) as cluster:
            assert main([*arguments, cluster.scheduler.address]) == 0
    here, there = stored(tmp_path / "here" / "batches"), stored(tmp_path / "there" / "batches")
    assert len(here) == -(-500 // BATCH_SAMPLES)
    assert here == there
    assert (tmp_path / "here" / "results.json").read_bytes() == (tmp_path / "there" / "results.json").read_bytes()


NETWORK: Any = "network"


def run_in_its_place(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers call the batch, in place of running it."""
    monkeypatch.setattr(workers_module, "cores", lambda: 1)
    monkeypatch.setattr(workers_module, "run_batch", function)


def test_threads_run_what_is_submitted_and_end(monkeypatch: pytest.MonkeyPatch):
    run_in_its_place(lambda network, batch: batch(), monkeypatch)
    before = set(threading.enumerate())
    with workers_of(None) as workers:
        thread: Any = workers.submit(NETWORK, threading.current_thread).result()
        assert thread not in before
        workers.watch()
    assert not thread.is_alive()


def test_work_that_has_not_begun_when_an_error_ends_it_is_cancelled(monkeypatch: pytest.MonkeyPatch):
    run_in_its_place(lambda network, batch: batch(), monkeypatch)
    begun, cancelled, futures = threading.Event(), threading.Event(), list[Future[Any]]()

    def first() -> bool:
        begun.set()
        return cancelled.wait()

    def interrupted() -> None:
        with workers_of(None) as workers:
            futures.extend(workers.submit(NETWORK, work) for work in (first, begun.is_set))
            futures[1].add_done_callback(lambda future: cancelled.set())
            begun.wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert futures[0].result()
    assert futures[1].cancelled()
