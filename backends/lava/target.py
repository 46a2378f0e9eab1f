"""The target `loihi`: Lava processes with the semantics of Loihi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from backends.lava.engine import EMISSIONS, LavaEngine, require_lava
from backends.lava.memory import memory_of_run
from backends.reference.twin import ReferenceTwin
from backends.target import EngineMaker, Target, Twin
from backends.trace import Array, Engine
from ir.pipeline.pipeline import PIPELINE


def _steps_alone(engine: Engine, inputs: Mapping[str, Array]) -> float:
    """Seconds of the steps of one run in Lava, without building, starting and ending its processes."""
    engine.run(inputs)
    return cast(LavaEngine, engine).step_seconds


def _emitted(emission: str) -> EngineMaker:
    """What makes Lava processes of one emission."""
    return lambda chip, profile, cores: LavaEngine(chip, emission, cores=cores)


LOIHI = Target(
    name="loihi",
    title="Lava processes with the semantics of Loihi (lava-nc, Python 3.10)",
    profile="loihi2",
    passes=PIPELINE,
    engine=_emitted("fused"),
    emissions={name: _emitted(name) for name in EMISSIONS},
    twin=Twin("torch reference", ReferenceTwin, samples=None, sums_alike=True),
    require=require_lava,
    steps_alone=_steps_alone,
    memory=memory_of_run,
)
