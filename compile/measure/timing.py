"""
What a step and a sample take on the chip of the profile: estimated from the map, who fired when, and the profile's times.

Host, inputs and outputs, and what passes between chips take no time here: nobody has published it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from backends.trace import Array, Trace
from compile.stages.phase import first_chip_steps, latency_steps
from compile.stages.program import Program
from ir.errors import first_names
from ir.mapping.connections import connections_of
from ir.mapping.timing.sample_time import Estimate, SampleTime, sample_time
from ir.mapping.timing.spike_trains import SpikeTrains, spike_trains
from ir.mapping.timing.step_messages import can_be_followed
from ir.mapping.timing.step_time import BARRIER, LINKS
from ir.mapping.timing.ways import Ways, ways_of
from ir.profile import TABLES, Quantity

MOST, MOST_MESSAGES = 30_000_000, 2_000_000
"""Ways and messages, times the steps in which they are looked at, and messages that are followed: so many take some seconds."""
NS: Mapping[str, float] = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
"""Unit -> ns, from the smallest."""


@dataclass(frozen=True)
class ChipTime:
    """Times of one part."""

    times: SampleTime
    chip_steps: int
    """Of a sample in a stream."""
    isolated_steps: int
    """Of a sample alone, until its last output is there."""
    samples: int
    """Whose spikes were looked at."""
    mean: bool
    """Whether spikes of some populations are known as means only; the longest of several cores then seems shorter than it is."""
    waiting: bool | None
    """Whether messages wait for each other here, followed one by one; None where the profile does not say how many find room."""
    place: tuple[int, int, int]
    """Chip, x and y of the core that holds up most."""
    populations: tuple[str, ...]
    """What is on that core."""
    rates: Mapping[str, Quantity]
    """The profile's times."""
    left_out: tuple[str, ...]
    """Times that it does not state."""

    def text(self) -> str:
        """The times in one sentence."""
        own, where = self.times, f" of core {self.times.core} ({first_names(self.populations, 1)})"
        bound = f"bound by {own.waits_for}{'' if own.waits_for in (LINKS, BARRIER) else where}"
        stream, alone = (f"{per_second(each).value:,.0f}" for each in (own.streaming, own.isolated))
        rates = f"{stream} samples/s in a stream, {alone} one by one"
        return f"{range_text(own.step)} per step, {bound}; {rates}; estimated{self._reservations()}"

    def plain(self) -> dict[str, Any]:
        """As JSON content, times in ns."""
        own = self.times
        estimates = {
            "step": own.step,
            "longest_step": own.longest_step,
            "streaming": own.streaming,
            "isolated": own.isolated,
        }
        chip, x, y = self.place
        return {
            **{f"{name}_ns": asdict(each) for name, each in estimates.items()},
            **{f"{name}_per_s": asdict(per_second(estimates[name])) for name in ("streaming", "isolated")},
            "chip_steps": self.chip_steps,
            "isolated_steps": self.isolated_steps,
            "waits_for": own.waits_for,
            "core": {"number": own.core, "chip": chip, "x": x, "y": y, "populations": [*self.populations]},
            "samples": self.samples,
            "activity": "mean" if self.mean else "by step",
            "waiting": self.waiting,
            "times": {key: quantity.plain() for key, quantity in self.rates.items()},
            "left_out": [*self.left_out],
        }

    def _reservations(self) -> str:
        lenders = sorted({quantity.lender for quantity in self.rates.values() if quantity.lender})
        notes = [f"with times of {', '.join(lenders)}"] if lenders else []
        notes += ["from mean activity, which makes it shorter"] if self.mean else []
        notes += ["without messages that wait"] if self.waiting is False and not self.mean else []
        notes += [f"without {', '.join(self.left_out)}"] if self.left_out else []
        return "".join(f", {note}" for note in notes)


def timing(program: Program, trace: Trace) -> ChipTime | None:
    """
    The times of a program from a run of some samples; None where the profile states none of what happened.

    Args:
        trace: of the run; populations without emissions in it count with their means.
    """
    rates, chip, cores = program.profile.tables.get("timing", {}), program.deployment.chip, program.cores
    if not rates or not cores.core_of:
        return None
    from backends.event_driven.message_loop import compiled  # numba takes a moment

    plan, phases, events = program.deployment.schedule, program.phases, trace.events
    inside = plan.micro_steps * plan.loop_steps if plan is not None else 1
    steps = max((phase.deployment.chip.steps for phase in phases), default=0) or int(events.steps)
    alone = inside * (latency_steps(phases) + (phases[-1].deployment.chip.steps or steps))
    ways = ways_of(connections_of(chip), cores.core_of)
    emitted, mean = _emitted(program, trace, steps)
    looked_at = MOST // ((ways.count + len(ways.synapses)) * (inside * steps + alone))
    samples = max(1, min(looked_at, events.samples))
    trains = spike_trains(chip, ways, emitted, (samples, steps, inside))
    buffered = program.profile.mesh.link_buffer is not None
    trains = _followed(trains, ways, program) if buffered else trains
    times = sample_time(ways, cores, program.profile, trains, first_chip_steps(phases, inside), alone, compiled)
    if not times.streaming.low:
        return None
    chip_number, x, y = cores.places[times.core].tolist()
    return ChipTime(
        times,
        inside * steps,
        alone,
        len(trains.counts),
        mean,
        trains.neurons is not None if buffered else None,
        (chip_number, x, y),
        tuple(name for name, on in cores.core_of.items() if (on == times.core).any()),
        rates,
        tuple(key for key in (item.name for item in fields(TABLES["timing"])) if key not in rates),
    )


def _followed(trains: SpikeTrains, ways: Ways, program: Program) -> SpikeTrains:
    """The first of the samples, as many as can be followed message by message; all, by their counts, where not even one can."""
    messages = float(trains.counts.sum(axis=(0, 1)) @ ways.messages.lengths)
    samples = int(len(trains.counts) * min(1.0, MOST_MESSAGES / max(1.0, messages)))
    if trains.neurons is None or not samples or not can_be_followed(ways, program.cores, program.profile.mesh):
        return replace(trains, neurons=None)
    return trains.of(samples)


def _emitted(program: Program, trace: Trace, steps: int) -> tuple[dict[str, Array | float], bool]:
    """Emissions of populations and inputs, means where nothing was recorded; and whether any is such."""
    known: dict[str, Array | float] = {**trace.fed, **trace.emissions}
    lacking = [name for name in trace.events.spikes if name not in known]
    for name in lacking:
        node = program.deployment.chip.nodes[name]
        neurons = node.op.neurons(node.type) or node.type.size
        windows = neurons * (node.type.steps or steps) * trace.events.samples
        known[name] = trace.events.spikes[name] / windows
    return known, bool(lacking)


def per_second(time: Estimate) -> Estimate:
    """How many times of this length there are in a second."""
    return Estimate(*(NS["s"] / ns for ns in (time.value, time.high, time.low)))


def range_text(time: Estimate) -> str:
    """A time with its range, in the unit that fits the value."""
    unit = next((unit for unit, ns in NS.items() if time.value < 1000 * ns), "s")
    value, low, high = (f"{ns / NS[unit]:.3g}" for ns in (time.value, time.low, time.high))
    return f"{value} {unit}" if low == high == value else f"{value} {unit} ({low} to {high})"
