"""A computation captured as a CUDA graph once a shape comes back, and replayed from then on: one launch instead of hundreds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

Tensors = Mapping[str, torch.Tensor]
Capture = Callable[[Callable[[], Tensors]], tuple[Callable[[], None], Tensors]]
"""work -> (what repeats it on the current stream, its results, which every repetition overwrites)."""
MOST_GRAPHS = 4
"""Shapes that are captured; each keeps the memory of all its values."""


def capture(work: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
    """`Capture` on CUDA; the work is recorded, not done."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        results = work()
    return graph.replay, results


@dataclass(frozen=True)
class _Recorded:
    """A captured computation."""

    inputs: Tensors
    """What it reads, to be overwritten before it is replayed."""
    replay: Callable[[], None]
    results: Tensors
    """What it overwrites."""


class Replayed:
    """
    A computation of tensors from tensors that always does the same for the same shapes.

    The first run of a shape is an ordinary one, which prepares whatever is prepared once. The results of the next ones are
    overwritten by the run after them. Where capturing fails, or is not wanted, all runs stay ordinary ones.
    """

    def __init__(self, compute: Callable[[Tensors], Tensors], capture: Capture | None) -> None:
        self._compute, self._capture = compute, capture
        self._shapes_before: set[object] = set()
        self._recorded: dict[object, _Recorded] = {}

    def __call__(self, inputs: Tensors) -> Tensors:
        """The results, on the current stream."""
        shapes = tuple((name, x.shape) for name, x in inputs.items())
        if shapes not in self._recorded and not self._prepare(shapes, inputs):
            return self._compute(inputs)
        recorded = self._recorded[shapes]
        for name, x in inputs.items():
            recorded.inputs[name].copy_(x)
        recorded.replay()
        return recorded.results

    def _prepare(self, shapes: object, inputs: Tensors) -> bool:
        """Record a shape that comes back; False where it is the first time, or not possible."""
        if shapes not in self._shapes_before:
            self._shapes_before.add(shapes)
            return False
        if self._capture is None or len(self._recorded) == MOST_GRAPHS:
            return False
        still = {name: x.clone() for name, x in inputs.items()}
        try:
            self._recorded[shapes] = _Recorded(still, *self._capture(lambda: self._compute(still)))
        except Exception:  # an operation that cannot be captured, too little memory: ordinary runs need neither
            self._capture = None
        return self._capture is not None
