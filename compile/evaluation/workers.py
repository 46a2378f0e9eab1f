"""Who runs the batches: the threads of this process, processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from backends.trace import Array
from compile.benchmark.machine import cores
from compile.evaluation.batch import Network, run_batch
from compile.evaluation.cluster import cluster_at
from compile.evaluation.processes import processes

LOCAL = "local"
"""In place of a scheduler's address: processes of this machine, one per core."""


@dataclass(frozen=True)
class Workers:
    """Where batches are run."""

    submit: Callable[[Network, Mapping[str, Array]], Future[bytes]]
    """Run a batch through a network somewhere; what comes of it is packed."""
    watch: Callable[[], None] = lambda: None
    """To be called while nothing comes: looks after what was lost; CompileError where nothing will come any more."""


@contextmanager
def workers_of(place: str | None) -> Generator[Workers]:
    """The workers at a scheduler's address, `LOCAL` ones, or those of this process (None); ours are ended with the block."""
    if place is None:
        with _threads() as workers:
            yield workers
    elif place == LOCAL:
        with processes(cores()) as submit:
            yield Workers(lambda network, batch: submit(run_batch, network, batch))
    else:
        with cluster_at(place) as cluster:
            yield Workers(cluster.submit, cluster.watch)


@contextmanager
def _threads() -> Generator[Workers]:
    """One thread per core; a GPU is fed by one alone."""
    pool = ThreadPoolExecutor(1 if torch.cuda.is_available() else cores())
    try:
        yield Workers(lambda network, batch: pool.submit(run_batch, network, batch))
    finally:
        pool.shutdown(cancel_futures=True)
