"""Batches on the threads of this process and on Dask clusters: the same bits, and one error where there is no such cluster."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest

from compile.evaluation import workers as workers_module
from compile.evaluation.cli import main
from compile.evaluation.evaluate import BATCH_SAMPLES
from compile.evaluation.workers import NO_DASHBOARD, workers_of
from ir.errors import CompileError


@pytest.mark.slow
@pytest.mark.parametrize("where", ["local", "address"])
def test_a_cluster_gives_the_same_bits(
    measured: Path, tmp_path: Path, where: str, stored, monkeypatch: pytest.MonkeyPatch
):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    assert main([str(measured), "--out", str(tmp_path / "here")]) == 0
    arguments = [str(measured), "--out", str(tmp_path / "there"), "--cluster"]
    if where == "local":
        monkeypatch.setattr(workers_module, "cores", lambda: 1)  # a process takes seconds to start
        assert main([*arguments, "local"]) == 0
    else:
        with distributed.LocalCluster(n_workers=2, processes=False, **NO_DASHBOARD) as cluster:
            assert main([*arguments, cluster.scheduler_address or cluster.scheduler.address]) == 0
    here, there = stored(tmp_path / "here" / "batches"), stored(tmp_path / "there" / "batches")
    assert len(here) == -(-500 // BATCH_SAMPLES)
    assert here == there
    assert (tmp_path / "here" / "results.json").read_bytes() == (tmp_path / "there" / "results.json").read_bytes()


def test_a_cluster_that_cannot_work_is_an_error(measured: Path, tmp_path: Path, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(workers_module, "WORKERS_S", 0.1)  # there will never be one
    with distributed.LocalCluster(n_workers=0, processes=False, **NO_DASHBOARD) as cluster:
        arguments = [str(measured), "--out", str(tmp_path), "--cluster", cluster.scheduler.address]
        assert main(arguments) == 2
        assert "error[cluster.worker]: the cluster has no workers" in capsys.readouterr().err
        cluster.scale(1)
        monkeypatch.setattr(workers_module, "__name__", "no.such.compiler")
        monkeypatch.setattr(workers_module, "WORKERS_S", 600)
        assert main(arguments) == 2
        assert "error[cluster.worker]: a worker lacks the compiler" in capsys.readouterr().err


@contextmanager
def held_port(port: int) -> Generator[None]:
    """The port is taken meanwhile, by us or by somebody else."""
    try:
        server = socket.create_server(("0.0.0.0", port))
    except OSError:
        yield
        return
    with server:
        yield


def test_clusters_stand_side_by_side_whatever_ports_are_taken():
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with held_port(8787):  # Dask's own choice
        options = {"n_workers": 0, "processes": False, **NO_DASHBOARD}
        with distributed.LocalCluster(**options) as first, distributed.LocalCluster(**options) as second:
            ports = {cluster.scheduler.services["dashboard"].port for cluster in (first, second)}
    assert len(ports - {8787}) == 2


def test_without_dask_the_error_says_what_to_install(measured: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([str(measured), "--out", str(tmp_path), "--cluster", "local"]) == 2
    error = capsys.readouterr().err
    assert "error[cluster.missing]" in error
    assert "cluster" in error.split("hint")[1]


@pytest.fixture
def silent() -> Generator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", "silent"])
def test_where_no_scheduler_answers_nothing_is_left_running(address: str, silent: str, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(workers_module, "CONNECT_S", 0.3)
    before = set(threading.enumerate())
    with pytest.raises(CompileError, match=r"cluster\.address"), workers_of(silent if address == "silent" else address):
        pass
    assert set(threading.enumerate()) <= before


def test_threads_run_what_is_submitted_and_end():
    before = set(threading.enumerate())
    with workers_of(None) as workers:
        thread = workers.submit(threading.current_thread).result()
        assert thread not in before
        network = object()
        assert workers.share(network) is network
    assert not thread.is_alive()


def test_work_that_has_not_begun_when_an_error_ends_it_is_cancelled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers_module, "cores", lambda: 1)
    begun, cancelled, futures = threading.Event(), threading.Event(), list[Future[bool]]()

    def first() -> bool:
        begun.set()
        return cancelled.wait()

    def interrupted() -> None:
        with workers_of(None) as workers:
            futures.extend(workers.submit(work) for work in (first, begun.is_set))
            futures[1].add_done_callback(lambda future: cancelled.set())
            begun.wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert futures[0].result()
    assert futures[1].cancelled()
