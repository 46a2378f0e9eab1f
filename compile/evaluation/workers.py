"""Who runs the batches: the threads of this process, or the workers of a Dask cluster, local or anywhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch

from compile.benchmark.machine import cores
from compile.evaluation.batch import Network
from ir.errors import CompileError

LOCAL = "local"
"""In place of a scheduler's address: a cluster of processes on this machine, one per core."""
CONNECT_S = 20
"""How long a scheduler may take to answer."""
WORKERS_S = 20
"""How long a cluster may take to have a worker."""
NO_DASHBOARD: dict[str, Any] = {"dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
"""A scheduler answers HTTP even without a dashboard, and by default at a fixed port, which another one may have."""


@dataclass(frozen=True)
class Workers:
    """Where batches are run."""

    submit: Callable[..., Future[bytes]]
    """Run a function of a shared network and further arguments somewhere."""
    share: Callable[[Network], Any]
    """Hand a network to all workers once; what it returns stands for the network in `submit`."""


def workers_of(cluster: str | None) -> AbstractContextManager[Workers]:
    """The workers for a scheduler's address, `LOCAL`, or None for this process; those left behind by an error are stopped."""
    return _threads() if cluster is None else _cluster(cluster)


@contextmanager
def _threads() -> Generator[Workers]:
    """One thread per core; a GPU is fed by one alone."""
    pool = ThreadPoolExecutor(1 if torch.cuda.is_available() else cores())
    try:
        yield Workers(lambda *work: pool.submit(*work), lambda network: network)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _cluster(address: str) -> Generator[Workers]:
    try:
        import distributed
    except ImportError:
        what, hint = "--cluster needs Dask, which is not installed", "install the extra: uv pip install '.[cluster]'"
        raise CompileError("cluster.missing", what, hint=hint) from None
    logging.getLogger("distributed").setLevel(logging.WARNING)
    with _scheduler(distributed, address) as scheduler:
        asyncio.run(_check(distributed, scheduler))
        with distributed.Client(scheduler, timeout=CONNECT_S) as client:
            try:
                yield Workers(client.get_executor(pure=False).submit, lambda network: client.scatter(network))
            except distributed.KilledWorker as error:
                raise CompileError(
                    "cluster.worker", str(error), where=address, hint="give the workers more memory"
                ) from None


@contextmanager
def _scheduler(distributed: Any, address: str) -> Generator[str]:
    """The address of a scheduler: the one that the user names, or that of a cluster here as long as the block runs."""
    if address != LOCAL:
        yield address
        return
    quiet = {"silence_logs": logging.ERROR}  # its workers warn of every task that an interrupt cancels
    with distributed.LocalCluster(n_workers=cores(), threads_per_worker=1, **quiet, **NO_DASHBOARD) as cluster:
        yield cluster.scheduler_address


async def _check(distributed: Any, address: str) -> None:
    """
    Raise CompileError where no scheduler answers, or its cluster has no workers, or such as do not have the compiler.

    By a client in an event loop of its own: Dask never ends the thread and the loop of one that fails to connect.
    """
    client = distributed.Client(address, asynchronous=True, timeout=CONNECT_S)
    try:
        await _connect(distributed, client, address)
        await _check_workers(distributed, client, address)
    finally:
        await client.close()


async def _connect(distributed: Any, client: Any, address: str) -> None:
    try:
        await asyncio.wait_for(client, 2 * CONNECT_S)  # Dask itself waits for ever where nothing is said
    except (OSError, ValueError, distributed.TimeoutError) as error:
        reason = str(error) or "it takes the connection and says nothing"
        hint = f"--cluster takes {LOCAL}, or a scheduler's address like tcp://host:8786"
        raise CompileError("cluster.address", f"no scheduler answers at {address}: {reason}", hint=hint) from None


async def _check_workers(distributed: Any, client: Any, address: str) -> None:
    hint = "start workers in a checkout of this version, see docs/evaluation.md"
    try:
        await client.wait_for_workers(1, timeout=WORKERS_S)
        await client.run(import_module, __name__)
    except distributed.TimeoutError:
        raise CompileError("cluster.worker", "the cluster has no workers", where=address, hint=hint) from None
    except ImportError as error:
        raise CompileError(
            "cluster.worker", f"a worker lacks the compiler: {error}", where=address, hint=hint
        ) from None
