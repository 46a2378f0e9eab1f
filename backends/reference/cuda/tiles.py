"""Samples on a GPU: tiles flow through pinned memory, copies and computation of neighbours overlap, counts stay there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Lock

import torch

from backends.reference.cuda.graph import Capture, Replayed, Tensors, capture
from backends.reference.cuda.precision import whole_float32
from backends.reference.cuda.staging import StagingBuffer
from backends.reference.cuda.streams import Streams, cuda_streams, join_current
from backends.reference.run.counting import EventCounter
from backends.reference.run.network import DeviceNetwork
from backends.reference.run.tiles import RunResults, tiles_of
from backends.trace import Array

TILE_BYTES, SHARE = 1 << 27, 32
"""Memory for the largest value of a tile (a launch is long against less), and the share of the free memory that it is at most."""
OUTPUT, PROBE, COUNTS = "output ", "probe ", "counts"


class CudaTiles:
    """Runs a network on a CUDA device."""

    def __init__(self, network: DeviceNetwork) -> None:
        self._device = network.device
        free = torch.cuda.mem_get_info(self._device)[0]
        limit = min(TILE_BYTES, free // SHARE)
        self._tiles = StagedTiles(network, cuda_streams(self._device), capture, limit, pinned=True)

    def run(self, samples: Mapping[str, Array]) -> RunResults:
        """See `run.tiles.Tiles`."""
        with torch.cuda.device(self._device), whole_float32():
            join_current(cuda_streams(self._device), self._device)
            return self._tiles.run(samples)


class StagedTiles:
    """
    Runs a network on a device beside the host.

    Args:
        streams: of the device. capture: see `graph`. limit: bytes for the largest value of a tile.
        pinned: whether the host's side is memory that the device copies from by itself.
    """

    def __init__(self, network: DeviceNetwork, streams: Streams, capture: Capture, limit: int, pinned: bool) -> None:
        self._network, self._streams, self._limit = network, streams, limit
        self._replayed = Replayed(self._compute, None if network.waits else capture)
        self._counted: tuple[list[str], list[str]] = ([], [])
        plan, graph = network.plan, network.plan.graph
        self._leaving = {OUTPUT + name: graph.nodes[value] for name, value in graph.outputs.items()}
        self._leaving |= {PROBE + name: graph.nodes[name] for name in network.probes}
        inputs = {node.name: network.input_dtype(node.name) for node in graph.inputs}
        stored = {name: plan.stored_dtype(node) for name, node in self._leaving.items()}
        self._buffers = [StagingBuffer(network.device, pinned, inputs, stored) for _ in range(2)]
        self._lock = Lock()

    def run(self, samples: Mapping[str, Array]) -> RunResults:
        """See `run.tiles.Tiles`."""
        with self._lock:
            return self._run(samples)

    def _run(self, samples: Mapping[str, Array]) -> RunResults:
        steps, batch = next(iter(samples.values())).shape[:2]
        whole: dict[str, Array] = {}
        totals: list[torch.Tensor] = []

        def compute(inputs: Tensors) -> Tensors:
            values = dict(self._replayed(inputs))
            counts = values.pop(COUNTS)
            totals[:] = [totals[0].add_(counts) if totals else counts.clone()]
            return values

        for buffer in self._buffers:
            buffer.reset()
        tiles = tiles_of(self._network.plan, steps, batch, self._limit)
        for place, tile in enumerate(tiles):
            buffer = self._buffers[place % 2]
            buffer.finish(whole, batch)
            buffer.start(samples, tile, self._streams, compute)
        for place in (len(tiles), len(tiles) + 1):
            self._buffers[place % 2].finish(whole, batch)
        outputs = {name: whole[OUTPUT + name] for name in self._network.plan.graph.outputs}
        probes = {name: whole[PROBE + name] for name in self._network.probes}
        return RunResults(outputs, probes, self._counter(totals[0]))

    def _compute(self, inputs: Tensors) -> Tensors:
        """The values of a tile that leave the device, narrow and dense, and all counts in one tensor."""
        network, counter = self._network, self._network.counter()
        outputs, probed = network.compute(inputs, counter)
        values = {OUTPUT + name: value for name, value in outputs.items()}
        values |= {PROBE + name: value for name, value in probed.items()}
        narrow = {name: network.narrow(self._leaving[name], value) for name, value in values.items()}
        self._counted = list(counter.spikes), list(counter.synaptic)
        counts = [self._count(count) for count in (*counter.spikes.values(), *counter.synaptic.values())]
        return {**narrow, COUNTS: torch.stack(counts)}

    def _count(self, count: torch.Tensor | int) -> torch.Tensor:
        if isinstance(count, torch.Tensor):
            return count.to(torch.int64)
        return torch.full((), count, dtype=torch.int64, device=self._network.device)

    def _counter(self, totals: torch.Tensor) -> EventCounter:
        """The counts of a run, read at once."""
        counter = self._network.counter()
        numbers: Iterator[int] = iter(totals.tolist())  # pyright: ignore
        counter.spikes.update({name: next(numbers) for name in self._counted[0]})
        counter.synaptic.update({name: next(numbers) for name in self._counted[1]})
        return counter
