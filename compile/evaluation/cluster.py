"""
Batches on a Dask cluster that is there.

Dask computes again what was lost with a worker, as long as others answer; here it is told what it waits for, and ended where
nothing will come.
"""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Generator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from backends.trace import Array
from compile.command.progress import note
from compile.evaluation.batch import Network, run_batch
from ir.errors import CompileError

CONNECT_S = 20
"""How long a scheduler may take to answer."""
WORKERS_S = 20
"""How long a cluster may take to have a worker."""
SILENT_S = 60
"""A worker of which its scheduler hears nothing for so long is stopped, or as good as that."""
GIVE_UP_S = 600
"""So long nothing may come while workers are silent or missing; a scheduler takes up to ten minutes to give up a silent one."""
KEPT = "finished batches are kept: the same command goes on from there"


class Cluster:
    """A cluster by its client."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._network: Network | None = None
        """What was sent last, and Dask's future of it."""
        self._sent: Any = None
        self._heard: dict[str, tuple[float, float]] = {}
        """Worker -> when its scheduler heard of it last, by its own clock, and since when we know that, by ours."""
        self._trouble = ""
        """What was said of the workers last."""
        self._well = 0.0
        """When all of them answered last, or a batch was sent, or its result came."""

    def submit(self, network: Network, batch: Mapping[str, Array]) -> Future[bytes]:
        """Run a batch through a network on a worker; what comes of it is packed."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # a network, and every batch, is sent but once
            if network is not self._network:
                # As a result, which Dask computes again where it is lost; what it scatters would be lost for good.
                self._network, self._sent = network, self._client.submit(_itself, network, pure=False)
            future: Future[bytes] = self._client.get_executor(pure=False).submit(run_batch, self._sent, batch)
        self._well = time.monotonic()
        future.add_done_callback(self._arrived)
        return future

    def watch(self) -> None:
        """Say which workers are silent; CompileError where the scheduler is, or where they are for too long."""
        trouble, now = self._silence(), time.monotonic()
        if trouble and trouble != self._trouble:
            note(f"the cluster at {self._address}: {trouble}; waiting for others")
        self._trouble = trouble
        if not trouble:
            self._well = now
        elif now - self._well > GIVE_UP_S:
            what = f"nothing has come for {GIVE_UP_S} s: {trouble}"
            raise CompileError("cluster.worker", what, where=self._address, hint=KEPT)

    def _silence(self) -> str:
        """Which workers are silent, "" where all answer; CompileError where the scheduler does not."""
        try:
            workers = self._client.sync(self._client.scheduler.identity, callback_timeout=CONNECT_S)["workers"]
        except (OSError, asyncio.TimeoutError):
            raise _gone(self._address) from None
        now = time.monotonic()
        for name, worker in workers.items():
            if self._heard.get(name, (None, now))[0] != worker["last_seen"]:
                self._heard[name] = worker["last_seen"], now
        silent = sorted(name for name in workers if now - self._heard[name][1] > SILENT_S)
        if not workers:
            return "no workers are left"
        return f"no sign of life from {', '.join(silent)}" if silent else ""

    def _arrived(self, future: Future[bytes]) -> None:
        self._well = time.monotonic()


@contextmanager
def cluster_at(address: str) -> Generator[Cluster]:
    """The cluster of a scheduler; CompileError where there is none, or when it is lost before the block ends."""
    try:
        import distributed
    except ImportError:
        what = "--cluster ADDRESS needs Dask, which is not installed"
        raise CompileError("cluster.missing", what, hint="install the extra: uv pip install '.[cluster]'") from None
    for name in ("distributed", "distributed.client"):  # what they would say is said by `watch` and in errors
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(_check(distributed, address))
    with distributed.Client(address, timeout=CONNECT_S) as client:
        try:
            yield Cluster(client, address)
        except distributed.KilledWorker as error:
            raise CompileError(
                "cluster.worker", str(error), where=address, hint="give the workers more memory"
            ) from None
        except CancelledError:
            raise _gone(address) from None


def _itself(network: Network) -> Network:
    return network


def _gone(address: str) -> CompileError:
    return CompileError("cluster.address", "the scheduler is gone, or dropped the batches", where=address, hint=KEPT)


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
        hint = "--cluster takes `local`, or a scheduler's address like tcp://host:8786"
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
