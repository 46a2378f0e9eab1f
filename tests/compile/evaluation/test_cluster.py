"""Dask clusters whose workers or schedulers fail: what can be computed is, and the rest is one error."""

from __future__ import annotations

import operator
import socket
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compile.evaluation import cluster as cluster_module
from compile.evaluation.cluster import Cluster, cluster_at
from ir.errors import CompileError
from tests.compile.evaluation import losses

NO_DASHBOARD: dict[str, Any] = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
"""A scheduler answers HTTP even without a dashboard, and by default at a fixed port, which another one may have."""


@pytest.fixture
def distributed() -> Any:
    return pytest.importorskip("distributed", reason="the extra `cluster` is not installed")


@pytest.fixture
def dask(distributed: Any) -> Generator[Any]:
    """A cluster of one worker in this process."""
    with distributed.LocalCluster(n_workers=1, processes=False, **NO_DASHBOARD) as cluster:
        yield cluster


@contextmanager
def computing(dask: Any, function: Any, monkeypatch: pytest.MonkeyPatch) -> Generator[Cluster]:
    """The cluster as we see it, with another function of network and batch in place of running it."""
    monkeypatch.setattr(cluster_module, "run_batch", function)
    with cluster_at(dask.scheduler.address) as cluster:
        yield cluster


def test_networks_that_were_lost_with_all_workers_come_back(dask: Any, monkeypatch: pytest.MonkeyPatch):
    network: Any = ["network"]
    with computing(dask, operator.concat, monkeypatch) as cluster:
        assert cluster.submit(network, ["1"]).result() == ["network", "1"]
        dask.sync(dask.workers[0].close, nanny=False)
        later = cluster.submit(network, ["2"])
        dask.scale(2)
        assert later.result(60) == ["network", "2"]
        cluster.watch()


def test_silent_workers_are_said_once_and_an_error_in_the_end(dask: Any, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(cluster_module, "SILENT_S", 0.2)
    network: Any = tmp_path / "started"

    def silent() -> None:
        with computing(dask, losses.sleep, monkeypatch) as cluster:
            cluster.submit(network, 1.0)
            cluster.watch()
            assert capsys.readouterr().err == ""
            dask.workers[0].periodic_callbacks["heartbeat"].stop()
            for _ in range(3):
                time.sleep(0.2)
                cluster.watch()
            said = capsys.readouterr().err
            assert said.count("no sign of life from") == 1
            assert dask.workers[0].address in said
            monkeypatch.setattr(cluster_module, "GIVE_UP_S", 0)
            cluster.watch()

    with pytest.raises(
        CompileError,
        match=r"cluster\.worker(.|\n)*nothing has come(.|\n)*no sign of life(.|\n)*finished batches are kept",
    ):
        silent()


def test_a_scheduler_that_goes_away_is_an_error(dask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1)
    network: Any = tmp_path / "started"

    def gone() -> None:
        with computing(dask, losses.sleep, monkeypatch) as cluster:
            future: Any = cluster.submit(network, 0.5)
            dask.close()
            with pytest.raises(CompileError, match="is gone"):
                cluster.watch()
            future.result()

    with pytest.raises(CompileError, match=r"cluster\.address(.|\n)*is gone(.|\n)*batches are kept"):
        gone()


def test_a_cluster_that_cannot_work_is_an_error(dask: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_module, "__name__", "no.such.compiler")
    with pytest.raises(CompileError, match="a worker lacks the compiler"), cluster_at(dask.scheduler.address):
        pass
    dask.sync(dask.workers[0].close, nanny=False)
    monkeypatch.setattr(cluster_module, "WORKERS_S", 0.1)
    with pytest.raises(CompileError, match="the cluster has no workers"), cluster_at(dask.scheduler.address):
        pass


def test_without_dask_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CompileError, match=r"cluster\.missing(.|\n)*install"), cluster_at("tcp://127.0.0.1:1"):
        pass


@pytest.fixture
def silent() -> Generator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", "silent"])
@pytest.mark.usefixtures("distributed")
def test_where_no_scheduler_answers_nothing_is_left_running(address: str, silent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_module, "CONNECT_S", 0.3)
    before = set(threading.enumerate())
    with pytest.raises(CompileError, match=r"cluster\.address"), cluster_at(silent if address == "silent" else address):
        pass
    assert set(threading.enumerate()) <= before
