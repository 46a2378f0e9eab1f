"""The map that was asked for: plain, or made for an objective with the spikes of the part's own samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backends.trace import Array
from compile.stages.phase import first_chip_steps
from compile.stages.program import Program
from compile.stages.samples import cut_samples
from compile.stages.source import Part
from ir.analysis.fan_in import EMITTERS
from ir.mapping.fit import Fit
from ir.mapping.layout.map_for import MapCost, Objective, map_for
from ir.mapping.layout.partition import is_available
from ir.mapping.timing.mean_step import Moment

SAMPLES = 16
"""Of the calibration, as many as are run to measure who fires."""
VALUES = 50_000_000
"""Neurons x steps x samples that are recorded at most, one sample apart."""
MOMENTS = 64
"""Chip steps that are looked at one by one, at most; drawn, since networks have rhythms."""
RATE = 0.1
"""Spikes of every neuron per step, where a network comes without samples; only their being equal matters."""
MISSING = "the partitioner is not installed (pip install 'spike-compiler[map]'), so that the map is the plain one"


@dataclass(frozen=True, eq=False)
class WantedMap:
    """What became of an objective."""

    objective: Objective
    activity: str = ""
    """Whose spikes counted, in words."""
    costs: tuple[MapCost, MapCost] | None = None
    """Of the map, and of the plain one; None where the partitioner is not installed."""
    is_plain: bool = True
    """Whether the map is the plain one all the same."""

    def text(self) -> str:
        """What the map is, and what it costs beside the plain one, in one sentence."""
        if self.costs is None:
            return f"for {self.objective}: {MISSING}"
        start, (own, plain) = f"for {self.objective} by {self.activity}:", map(_cost_text, self.costs)
        if self.is_plain:
            return f"{start} none is better than the plain one, {plain}"
        return f"{start} {own}; the plain one {plain}"

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        costs = {} if self.costs is None else dict(zip(("cost", "plain_cost"), map(asdict, self.costs), strict=True))
        return {"for": self.objective, "is_plain": self.is_plain, "activity": self.activity, **costs}

    @staticmethod
    def of(content: Mapping[str, Any]) -> WantedMap:
        """What `plain` told."""
        costs = (MapCost(**content["cost"]), MapCost(**content["plain_cost"])) if "cost" in content else None
        return WantedMap(content["for"], content["activity"], costs, content["is_plain"])


def map_as_wanted(program: Program, plain: Fit, part: Part, objective: Objective) -> tuple[Fit, WantedMap]:
    """The better of a program's plain map, which has neurons, and those that are made for an objective."""
    if not is_available():
        return plain, WantedMap(objective)
    from backends.event_driven.message_loop import compiled  # numba takes a moment

    activity = activity_of(program, part, objective)
    chip, profile = program.deployment.chip, program.profile
    found = map_for(chip, plain, profile, objective, activity.rates, activity.moments, compiled)
    return found.fit, WantedMap(objective, activity.whose, (found.cost, found.plain), found.is_plain)


@dataclass(frozen=True, eq=False)
class MeasuredActivity:
    """Who fires how often, for maps."""

    rates: Mapping[str, Array]
    """Population or chip input -> float (neurons,), its spikes per step of the chip."""
    moments: Sequence[Moment]
    """The same in some steps of a stream of the samples; none where nobody looks at them, or there are no samples."""
    whose: str
    """Of what samples, in words."""


def activity_of(program: Program, part: Part, objective: Objective) -> MeasuredActivity:
    """The activity of a program that has neurons on some of its part's samples; for time, in some steps too."""
    nodes, plan = program.deployment.chip.nodes, program.deployment.schedule
    sizes = {
        name: node.op.neurons(node.type) if node.op.family == "neuron" else node.type.size
        for name, node in nodes.items()
        if node.op.family in EMITTERS
    }
    if part.drawn:
        rates = {name: np.full(size, RATE) for name, size in sizes.items()}
        return MeasuredActivity(rates, (), "equal activity of all neurons, as there are no samples")
    inside = plan.micro_steps * plan.loop_steps if plan is not None else 1
    samples = min(SAMPLES, max(1, VALUES // (sum(sizes.values()) * max(1, program.steps))))
    batch = cut_samples(part.calibration, program, samples)[0]
    trace = program.run(batch, tuple(sizes))
    emitted, ran = trace.emissions, trace.events.samples
    rates = {name: _rate(emitted[name], size, name in trace.spikes) / inside for name, size in sizes.items()}
    first = first_chip_steps(program.phases, inside)
    moments = _moments(emitted, sizes, first, inside) if objective == "time" else ()
    return MeasuredActivity(rates, moments, f"the spikes of {ran} calibration {'sample' if ran == 1 else 'samples'}")


def _moments(
    emitted: Mapping[str, Array], sizes: Mapping[str, int], first: Mapping[str, int], inside: int
) -> list[Moment]:
    """Some chip steps of the stream in which the samples follow each other without a pause."""
    steps, samples = (max(each.shape[axis] for each in emitted.values()) for axis in (0, 1))
    window = steps * inside
    count = min(samples * window, MOMENTS, max(1, VALUES // sum(sizes.values())))
    chosen: list[int] = np.random.default_rng(0).choice(samples * window, count, replace=False).tolist()

    def fired(name: str, chip_step: int) -> Array:
        sample, at = divmod(chip_step % (samples * window), window)
        values, (step, place) = emitted[name], divmod(at, inside)
        places = values[step, sample].reshape(-1, sizes[name]) if step < len(values) else values[:0]
        return places[place] != 0 if place < len(places) else np.zeros(sizes[name], bool)

    return [{name: fired(name, step - first[name]) for name in sizes} for step in chosen]


def _rate(emitted: Array, neurons: int, spikes: bool) -> Array:
    """Spikes of every neuron per step, those of all micro-steps together; `emitted`: (T, samples, *shape)."""
    fired = (emitted if spikes else emitted != 0).sum(axis=(0, 1), dtype=np.int64).reshape(-1, neurons).sum(axis=0)
    return fired / (emitted.shape[0] * emitted.shape[1])


def _cost_text(cost: MapCost) -> str:
    cores = f"{cost.cores:,} {'core' if cost.cores == 1 else 'cores'}"
    busiest = "" if cost.step is None else f", {cost.step / 1000:,.3g} us"
    return f"{cores}, per step {cost.visits:,.0f} spikes to other cores, {cost.hops:,.0f} hops{busiest}"
