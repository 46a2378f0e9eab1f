"""
A batch in tiles, and how the processor takes them: tile after tile, as many side by side as torch may use threads.

The largest value of a tile has a limit: then a layer finds in the cache what the layer before it left there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from backends.reference.plan.execution_plan import ExecutionPlan
from backends.reference.run.counting import EventCounter
from backends.reference.run.network import DeviceNetwork
from backends.trace import Array

TILE_BYTES, MOST_TILE_BYTES, LOOP_TILE_BYTES = 1 << 22, 1 << 24, 1 << 28
"""
Limits for the largest value of a tile. Large weights, which every tile reads again, make it worth more, and loops most, as each
of their steps is a call of its own.
"""


@dataclass(frozen=True)
class RunResults:
    """What a run over samples, or a tile of them, yields."""

    outputs: dict[str, Array]
    """Output -> (T, B, *shape), as a trace keeps it."""
    spikes: dict[str, Array]
    """Probed population or input -> (T, B, *shape), as a trace keeps it."""
    counter: EventCounter
    """Of all events."""


class Tiles(Protocol):
    """How a device takes the samples of a run."""

    def run(self, samples: Mapping[str, Array]) -> RunResults:
        """Run samples, checked inputs (T, B, *shape) each, from zero state, in tiles that fit the device."""
        ...


class CpuTiles:
    """Runs a network where the samples are."""

    def __init__(self, network: DeviceNetwork) -> None:
        self._network, self._limit = network, _limit(network.plan)

    def run(self, samples: Mapping[str, Array]) -> RunResults:
        """See `Tiles`."""
        steps, batch = next(iter(samples.values())).shape[:2]
        tiles = tiles_of(self._network.plan, steps, batch, self._limit)
        parts = list(_side_by_side(lambda tile: self._run_tile(samples, tile), tiles))
        counter = parts[0].counter
        for part in parts[1:]:
            counter.add(part.counter)
        outputs, spikes = _joined([part.outputs for part in parts]), _joined([part.spikes for part in parts])
        return RunResults(outputs, spikes, counter)

    @torch.inference_mode()
    def _run_tile(self, samples: Mapping[str, Array], tile: slice) -> RunResults:
        """One tile; threads share nothing but the network."""
        network, graph, counter = self._network, self._network.plan.graph, self._network.counter()
        inputs = {
            name: torch.from_numpy(x[:, tile]).to(network.input_dtype(name)).contiguous() for name, x in samples.items()
        }
        outputs, probed = network.compute(inputs, counter)
        stored = {name: self._stored(graph.outputs[name], value) for name, value in outputs.items()}
        return RunResults(stored, {name: self._stored(name, value) for name, value in probed.items()}, counter)

    def _stored(self, name: str, value: torch.Tensor) -> Array:
        """A value as a trace keeps it, in memory that nothing else uses."""
        plan = self._network.plan
        return np.array(value.to(plan.stored_dtype(plan.graph.nodes[name])).numpy())


def tiles_of(plan: ExecutionPlan, steps: int, batch: int, limit: int) -> list[slice]:
    """The tiles of a batch, as equal as can be, whose largest value, in four bytes per element, fits into `limit` bytes."""
    most = max(1, limit // (plan.widest * steps * 4))
    length = max(1, -(-batch // max(1, -(-batch // most))))
    return [slice(start, min(start + length, batch)) for start in range(0, batch, length)]


@contextmanager
def torch_threads(number: int) -> Generator[None]:
    """Let torch use that many threads inside, also in threads that begin there; as before outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _limit(plan: ExecutionPlan) -> int:
    """Bytes for the largest value of a tile on the processor."""
    if plan.loops:
        return LOOP_TILE_BYTES
    weights = sum(array.size for array in plan.graph.params.values())
    return max(TILE_BYTES, min(4 * weights, MOST_TILE_BYTES))


def _side_by_side(run: Callable[[slice], RunResults], tiles: Sequence[slice]) -> Iterable[RunResults]:
    """The results in order. Kernels are of one thread, and so is torch within a tile: threads that wait for each other spin."""
    threads = min(torch.get_num_threads(), len(tiles))
    if threads <= 1:
        return map(run, tiles)
    with torch_threads(1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, tiles))


def _joined(parts: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """The values of all tiles, side by side along the batch."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
