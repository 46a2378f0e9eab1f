"""Who runs the batches: the threads of this process, or the workers of a Dask cluster, local or anywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import torch

from compile.benchmark.machine import cores
from compile.evaluation.batch import Network
from ir.errors import CompileError

LOCAL = "local"
"""In place of a scheduler's address: a cluster of processes on this machine, one per core."""
CONNECT_S = 20
NO_DASHBOARD: dict[str, Any] = {"dashboard_address": None}


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
    quiet = {"silence_logs": logging.ERROR}  # its workers warn of every task that an interrupt cancels
    local = partial(distributed.LocalCluster, n_workers=cores(), threads_per_worker=1, **quiet, **NO_DASHBOARD)
    with local() if address == LOCAL else nullcontext(address) as scheduler:
        try:
            client = distributed.Client(scheduler, timeout=CONNECT_S)
        except (OSError, ValueError) as error:
            hint = f"--cluster takes {LOCAL}, or a scheduler's address like tcp://host:8786"
            raise CompileError("cluster.address", f"no scheduler answers at {address}: {error}", hint=hint) from None
        with client:
            _check(distributed, client, address)
            try:
                yield Workers(client.get_executor(pure=False).submit, lambda network: client.scatter(network))
            except distributed.KilledWorker as error:
                raise CompileError(
                    "cluster.worker", str(error), where=address, hint="give the workers more memory"
                ) from None


def _check(distributed: Any, client: Any, address: str) -> None:
    """CompileError where the cluster has no workers, or such as do not have the compiler."""
    hint = "start workers in a checkout of this version, see docs/evaluation.md"
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
        client.run(import_module, __name__)
    except (TimeoutError, distributed.TimeoutError):
        raise CompileError("cluster.worker", "the cluster has no workers", where=address, hint=hint) from None
    except ImportError as error:
        raise CompileError(
            "cluster.worker", f"a worker lacks the compiler: {error}", where=address, hint=hint
        ) from None
