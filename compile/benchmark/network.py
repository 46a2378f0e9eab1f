"""One compiled part against its source's own forward and against its matrix products alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial

import torch
from torch import nn

from backends.reference.engine import ReferenceEngine
from backends.targets import target
from compile.benchmark.products import float32_products, int8_products
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import Stopwatch, one_thread, take_turns
from compile.measure.run import engine_text, first_samples
from compile.stages.build import Build
from compile.stages.source import Source
from frontend.names import called
from frontend.neuron_rules.table import reset_neurons
from frontend.user_errors import user_code

ROUNDS = 7
WHOLE, STEPS = "whole network, host parts and events included", "steps of the chip part alone"
REFERENCE = "chip part on the torch reference"
COLUMNS = ("samples", "candidate", "ms per sample", "time / the first's")


def benchmark_part(build: Build, source: Source) -> Table:
    """
    Milliseconds per sample, one sample at a time and all of the run's at once, and ratios to the compiled network.

    Runs include what it takes to start and end what they run in; where that is much, the steps alone have a row of their own.
    """
    most = next(iter(build.program.host_inputs(build.part.example).values())).shape[1]
    rows: list[tuple[Cell, ...]] = []
    with one_thread():
        for samples in sorted({1, most}):
            turns = _candidates(build, source, samples)
            times = take_turns(turns, ROUNDS)
            rows += [(samples, name, 1e3 * times.median(name) / samples, times.ratio(name, WHOLE)) for name in turns]
    title = f"{build.part.name} on {engine_text(build.program)}"
    return Table(
        title, COLUMNS, tuple(rows), f"Medians of {ROUNDS} rounds in which the candidates take turns, one thread."
    )


def _candidates(build: Build, source: Source, samples: int) -> dict[str, Callable[[], float]]:
    program, chip = build.program, build.program.deployment.chip
    inputs = first_samples(program, build.part.example, samples)
    turns: dict[str, Callable[[], float]] = {WHOLE: Stopwatch(lambda: program.run(inputs, ()))}
    reference = ReferenceEngine(chip)
    if chip.nodes and len(program.phases) == 1:
        fed = program.chip_inputs(inputs)
        steps_alone = target(program.target).steps_alone
        if steps_alone is not None:
            turns[STEPS] = partial(steps_alone, program.engine, fed)
        turns[REFERENCE] = Stopwatch(lambda: reference.run(fed))
        steps = chip.steps or next(iter(fed.values())).shape[0]
        turns["its products alone, float32"] = Stopwatch(float32_products(chip, steps, samples, reference.device))
        bytewise = int8_products(chip, steps, samples) if chip.is_integer else None
        if bytewise is not None:
            turns["its products alone, int8"] = Stopwatch(bytewise)
    forward = _forward(build, source, samples, reference.device)
    if forward is not None:
        turns["the source's own forward"] = Stopwatch(forward)
    return turns


def _forward(build: Build, source: Source, samples: int, device: torch.device) -> Callable[[], object] | None:
    """The torch module from zero state; None where the source is a graph that only this compiler runs."""
    if build.imported is None:
        return None
    module, example = build.part.network, build.part.example
    front = (*source.static, *(example if build.program.order.batch_first else ()))
    inputs = {name: x[:samples] if name in front else x[:, :samples] for name, x in example.items()}
    return zero_state_forward(module, inputs, device)


def zero_state_forward(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], device: torch.device
) -> Callable[[], object]:
    """The module from zero state."""
    if device.type == "cuda":
        module, inputs = deepcopy(module).to(device), {name: x.to(device) for name, x in inputs.items()}

    def run() -> object:
        reset_neurons(module)
        with user_code("the model", rule="import.forward"):
            result = called(module, inputs)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return result

    return run
