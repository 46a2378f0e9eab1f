"""The target `loihi`: Lava processes with the semantics of Loihi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from backends.lava.engine import LavaEngine, require_lava
from backends.reference.engine import ReferenceEngine
from backends.target import Target, Twin
from backends.trace import Array, Engine
from ir.analysis.limits import violations
from ir.pipeline import PIPELINE


def _steps_alone(engine: Engine, inputs: Mapping[str, Array]) -> float:
    """Seconds of the steps of one run in Lava, without building, starting and ending its processes."""
    engine.run(inputs)
    return cast(LavaEngine, engine).step_seconds


LOIHI = Target(
    name="loihi",
    title="Lava processes with the semantics of Loihi (lava-nc, Python 3.10)",
    profile="loihi2",
    passes=PIPELINE,
    check=violations,
    engine=lambda chip, profile: LavaEngine(chip),
    twin=Twin("torch reference", ReferenceEngine, samples=None, sums_alike=True),
    require=require_lava,
    steps_alone=_steps_alone,
)
