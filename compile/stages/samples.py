"""Many samples in batches: cut along the samples' axis, and joined again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from backends.trace import Array
from compile.stages.program import Program
from ir.types import Type


def cut_samples(inputs: Mapping[str, Array], program: Program, size: int) -> list[dict[str, Array]]:
    """Batches of at most `size` samples, in the inputs' own layout; CompileError where the inputs do not fit."""
    samples = next(iter(program.host_inputs(inputs).values())).shape[1]
    axes = {name: np.ndim(inputs[name]) - len(kind.shape) - 1 for name, kind in program.inputs.items()}
    cuts = range(0, samples, size)
    return [{n: np.take(a, range(k, min(k + size, samples)), axis=axes[n]) for n, a in inputs.items()} for k in cuts]


def join_samples(batches: Sequence[Mapping[str, Array]], types: Mapping[str, Type]) -> dict[str, Array]:
    """Outputs of batches behind each other: on the first axis of (B, *shape), the second of (T, B, *shape)."""
    return {
        name: np.concatenate([batch[name] for batch in batches], axis=0 if kind.static else 1)
        for name, kind in types.items()
    }
