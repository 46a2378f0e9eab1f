"""The target `loihi`: Lava processes with the semantics of Loihi."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

from backends.lava.engine import EMISSIONS, LavaEngine, require_lava
from backends.lava.memory import memory_of_run
from backends.reference.engine import ReferenceEngine
from backends.target import Target, Twin
from backends.trace import Array, Engine
from ir.graph import Graph
from ir.mapping.split import plain_map
from ir.pipeline.pipeline import PIPELINE
from ir.profile import Profile


def _steps_alone(engine: Engine, inputs: Mapping[str, Array]) -> float:
    """Seconds of the steps of one run in Lava, without building, starting and ending its processes."""
    engine.run(inputs)
    return cast(LavaEngine, engine).step_seconds


def _emitted(emission: str, chip: Graph, profile: Profile) -> Engine:
    """The network in Lava processes of one emission, on the cores of the plain map where it asks for a map."""
    return LavaEngine(chip, emission, cores=plain_map(chip, profile) if emission == "mapped" else None)


LOIHI = Target(
    name="loihi",
    title="Lava processes with the semantics of Loihi (lava-nc, Python 3.10)",
    profile="loihi2",
    passes=PIPELINE,
    engine=lambda chip, profile: LavaEngine(chip),
    emissions={name: partial(_emitted, name) for name in EMISSIONS},
    twin=Twin("torch reference", ReferenceEngine, samples=None, sums_alike=True),
    require=require_lava,
    steps_alone=_steps_alone,
    memory=memory_of_run,
)
