"""Samples on the processor: cut after cut, as many side by side as torch may use threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from backends.reference.plan.plan import Plan
from backends.reference.run.prepared import Prepared, Results, cuts
from backends.reference.run.torch_threads import torch_threads
from backends.trace import Array

CUT_BYTES, MOST_CUT_BYTES, LOOP_CUT_BYTES = 1 << 22, 1 << 24, 1 << 28
"""
The largest value of a cut: a layer finds in the cache what the layer before it left there. Large weights, which every cut reads
again, make it worth more, and loops most, as each of their steps is a call of its own.
"""


class InTurn:
    """Runs a prepared network where the samples are."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __call__(self, samples: Mapping[str, Array]) -> Results:
        """See `prepared.Runner`."""
        steps, batch = next(iter(samples.values())).shape[:2]
        every = cuts(self._prepared.plan, steps, batch, _limit(self._prepared.plan))
        parts = list(_side_by_side(lambda cut: self._run(samples, cut), every))
        counter = parts[0].counter
        for part in parts[1:]:
            counter.add(part.counter)
        return Results(_joined([part.outputs for part in parts]), _joined([part.spikes for part in parts]), counter)

    @torch.inference_mode()
    def _run(self, samples: Mapping[str, Array], cut: slice) -> Results:
        """One cut; threads share nothing but what is prepared."""
        prepared, nodes, counter = self._prepared, self._prepared.plan.graph.nodes, self._prepared.counter()
        fed = {name: torch.from_numpy(x[:, cut]).to(prepared.travels(name)).contiguous() for name, x in samples.items()}
        made, kept = prepared.compute(fed, counter)
        populations = prepared.plan.graph.outputs
        outputs = {name: _own(value, prepared.stored(nodes[populations[name]])) for name, value in made.items()}
        return Results(outputs, {name: _own(x, prepared.stored(nodes[name])) for name, x in kept.items()}, counter)


def _limit(plan: Plan) -> int:
    """Bytes for the largest value of a cut."""
    if plan.loops:
        return LOOP_CUT_BYTES
    return max(CUT_BYTES, min(4 * sum(array.size for array in plan.graph.params.values()), MOST_CUT_BYTES))


def _side_by_side(run: Callable[[slice], Results], every: list[slice]) -> Iterable[Results]:
    """The results in order. Kernels are of one thread, and so is torch within a cut: threads that wait for each other spin."""
    threads = min(torch.get_num_threads(), len(every))
    if threads <= 1:
        return map(run, every)
    with torch_threads(1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, every))


def _own(value: torch.Tensor, kind: torch.dtype) -> Array:
    """A value in memory of its own."""
    return np.array(value.to(kind).numpy())


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    first, *others = parts
    return first if not others else {name: np.concatenate([part[name] for part in parts], axis=1) for name in first}
