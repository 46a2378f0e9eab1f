"""Samples on a GPU: cuts flow through pinned memory, copies and computation of neighbouring cuts overlap, counts stay there."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

import torch

from backends.reference.cuda.graph import Capture, Replayed, Tensors, capture
from backends.reference.cuda.lanes import Lanes, cuda_lanes, join_current
from backends.reference.cuda.precision import whole_float32
from backends.reference.cuda.slot import Slot
from backends.reference.run.counting import Counter
from backends.reference.run.prepared import Prepared, Results, Runner, cuts
from backends.trace import Array

CUT_BYTES, SHARE = 1 << 27, 32
"""Memory for the largest value of a cut (a launch is long against less), and the share of the free memory that it is at most."""
OUTPUT, PROBE, COUNTS = "output ", "probe ", "counts"


class Streamed:
    """
    Runs a prepared network on a device beside the host.

    lanes: of the device. capture: see `graph`. limit: bytes for the largest value of a cut. pinned: whether the host's
    side is memory that the device copies from by itself.
    """

    def __init__(self, prepared: Prepared, lanes: Lanes, capture: Capture, limit: int, pinned: bool) -> None:
        self._prepared, self._lanes, self._limit = prepared, lanes, limit
        self._replayed = Replayed(self._compute, None if prepared.waits else capture)
        self._counted: tuple[list[str], list[str]] = ([], [])
        graph = prepared.plan.graph
        self._leaving = {OUTPUT + name: graph.nodes[value] for name, value in graph.outputs.items()}
        self._leaving |= {PROBE + name: graph.nodes[name] for name in prepared.probes}
        travels = {node.name: prepared.travels(node.name) for node in graph.inputs}
        stored = {name: prepared.stored(node) for name, node in self._leaving.items()}
        self._slots = [Slot(prepared.device, pinned, travels, stored) for _ in range(2)]
        self._lock = Lock()

    def __call__(self, samples: Mapping[str, Array]) -> Results:
        """See `prepared.Runner`."""
        with self._lock:
            return self._run(samples)

    def _run(self, samples: Mapping[str, Array]) -> Results:
        steps, batch = next(iter(samples.values())).shape[:2]
        whole: dict[str, Array] = {}
        totals: list[torch.Tensor] = []

        def compute(fed: Tensors) -> Tensors:
            made = dict(self._replayed(fed))
            counts = made.pop(COUNTS)
            totals[:] = [totals[0].add_(counts) if totals else counts.clone()]
            return made

        for slot in self._slots:
            slot.reset()
        every = cuts(self._prepared.plan, steps, batch, self._limit)
        for place, cut in enumerate(every):
            slot = self._slots[place % 2]
            slot.finish(whole, batch)
            slot.start(samples, cut, self._lanes, compute)
        for place in (len(every), len(every) + 1):
            self._slots[place % 2].finish(whole, batch)
        outputs = {name: whole[OUTPUT + name] for name in self._prepared.plan.graph.outputs}
        probes = {name: whole[PROBE + name] for name in self._prepared.probes}
        return Results(outputs, probes, self._counter(totals[0]))

    def _compute(self, fed: Tensors) -> Tensors:
        """The values of a cut that leave the device, narrow and dense, and all counts in one tensor."""
        prepared, counter = self._prepared, self._prepared.counter()
        outputs, kept = prepared.compute(fed, counter)
        values = {OUTPUT + name: value for name, value in outputs.items()}
        values |= {PROBE + name: value for name, value in kept.items()}
        made = {name: prepared.narrow(self._leaving[name], value) for name, value in values.items()}
        self._counted = list(counter.spikes), list(counter.synaptic)
        counts = [self._count(count) for count in (*counter.spikes.values(), *counter.synaptic.values())]
        return {**made, COUNTS: torch.stack(counts)}

    def _count(self, count: torch.Tensor | int) -> torch.Tensor:
        if isinstance(count, torch.Tensor):
            return count.to(torch.int64)
        return torch.full((), count, dtype=torch.int64, device=self._prepared.device)

    def _counter(self, totals: torch.Tensor) -> Counter:
        """The counts of a run, read at once."""
        counter, numbers = self._prepared.counter(), iter(totals.tolist())
        counter.spikes.update({name: next(numbers) for name in self._counted[0]})
        counter.synaptic.update({name: next(numbers) for name in self._counted[1]})
        return counter


def streamed(prepared: Prepared) -> Runner:
    """The runner of a CUDA device."""
    device = prepared.device
    free = torch.cuda.mem_get_info(device)[0]
    runner = Streamed(prepared, cuda_lanes(device), capture, min(CUT_BYTES, free // SHARE), pinned=True)

    def run(samples: Mapping[str, Array]) -> Results:
        with torch.cuda.device(device), whole_float32():
            join_current(cuda_lanes(device), device)
            return runner(samples)

    return run
