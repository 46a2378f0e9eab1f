"""The whole test set through the source network, the lowered one and the compiled one: what quantisation costs the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import add
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from backends.targets import REFERENCE
from backends.trace import Array, Events, Trace
from compile.energy.activity import Activity
from compile.energy.formula.rates import RateMeter
from compile.measure.run import of_length
from compile.stages.build import Build
from compile.stages.host_inputs import steps_of
from compile.stages.program import Program
from compile.stages.samples import cut_samples, join_samples
from frontend.names import called
from frontend.neuron_rules.table import reset_neurons
from frontend.tracing.outputs import named_outputs
from frontend.user_errors import user_code
from ir.errors import CompileError
from ir.interpreter import interpret

BATCH = 256


@dataclass(frozen=True)
class TaskOutputs:
    """What the task's test set came to."""

    outputs: Mapping[str, Mapping[str, Mapping[str, Array]]]
    """By part and name of the torch modules ("source"), of the lowered network in its arithmetic ("float"), and of the compiled
    one on the reference ("compiled")."""
    activities: Mapping[str, Activity]
    """Part -> what all of its samples did."""

    @property
    def pairs(self) -> int:
        """Outputs of one part times those of the others."""
        return prod(activity.events.samples for activity in self.activities.values())


def run_test_set(task: Any, builds: Sequence[Build], quiet: bool) -> TaskOutputs:
    """Run all samples of the parts that a task needs."""
    outputs: dict[str, dict[str, dict[str, Array]]] = {"source": {}, "float": {}, "compiled": {}}
    activities = dict[str, Activity]()
    for build in builds:
        if build.part.name not in task.parts:
            continue
        inputs = task.inputs(build.part.name)
        batches = cut_samples(inputs, build.floating, BATCH)
        types = {name: build.source.nodes[value].type for name, value in build.source.outputs.items()}
        bar = tqdm(batches, desc=f"  {build.part.name}: test set", unit="batch", leave=False, disable=quiet or None)
        twin = build.program.on(REFERENCE)
        results, meter, events = list[dict[str, Mapping[str, Array]]](), RateMeter(build.source), list[Events]()
        for batch in bar:
            result, trace = _all_outputs(build, twin, batch)
            _meter(build, batch, meter)
            results.append(result)
            events.append(trace.events)
        activities[build.part.name] = Activity(reduce(add, events), meter.rates, whole=True)
        for kind, own in outputs.items():
            own[build.part.name] = join_samples([result[kind] for result in results], types, twin.order)
    return TaskOutputs(outputs, activities)


def _meter(build: Build, batch: Mapping[str, Array], meter: RateMeter) -> None:
    """Count the source network's activity on a batch."""
    steps = steps_of(build.program.deployment.prologue, build.program.host_inputs(batch))
    own = of_length(build, steps)
    interpret(own.source, own.source_inputs(batch), meter)


def tried_names(task: Any, builds: Sequence[Build]) -> tuple[str, ...] | None:
    """The names of a task's metrics, as it gives them for outputs that are all zero; None where it fails on these."""
    try:
        silent = {build.part.name: _silent(task, build) for build in builds if build.part.name in task.parts}
        with np.errstate(all="ignore"):
            return tuple(task.metrics(silent))
    except CompileError:
        return None


def _silent(task: Any, build: Build) -> dict[str, Array]:
    """Outputs of zeros in the shapes of the whole test set's."""
    program, found = build.program, dict[str, Array]()
    arrays = list(program.host_inputs(task.inputs(build.part.name)).values())
    steps = build.source.steps or max(array.shape[0] for array in arrays)
    for name, kind in program.outputs.items():
        whole = np.zeros((kind.steps or steps, arrays[0].shape[1], *kind.shape), build.source.dtype)
        found[name] = whole[0] if kind.static else program.order.output(name, whole)
    return found


def _all_outputs(
    build: Build, twin: Program, batch: Mapping[str, Array]
) -> tuple[dict[str, Mapping[str, Array]], Trace]:
    """The outputs of a batch by whose they are, and the trace of the compiled network."""
    floating, compiled = (program.run(batch, probes=()) for program in (build.floating, twin))
    own = {"source": _source_outputs(build, batch), "float": floating.outputs, "compiled": compiled.outputs}
    return own, compiled


def _source_outputs(build: Build, batch: Mapping[str, Array]) -> dict[str, Array]:
    """The user's own module on the batch from zero state, its outputs by name."""
    reset_neurons(build.part.network)
    with torch.no_grad():
        arrays = {name: np.ascontiguousarray(array, dtype=_taken(build, name)) for name, array in batch.items()}
        with user_code("the model", build.part.name, "import.forward"):
            result = called(build.part.network, {name: torch.from_numpy(array) for name, array in arrays.items()})
        named = named_outputs(result)
    return {name: named[name].numpy() for name in build.source.outputs}


def _taken(build: Build, name: str) -> Any:
    """What the module takes as the input `name`: integers where its example has them, as token ids, else the source's floats."""
    example = torch.as_tensor(build.part.example.get(name, 0.0))
    whole = not example.is_floating_point() and example.dtype is not torch.bool
    return torch.empty(0, dtype=example.dtype).numpy().dtype if whole else build.source.dtype
