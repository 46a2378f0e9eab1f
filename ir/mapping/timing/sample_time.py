"""
How long samples take on a map: one after another without a pause, or one alone, from its first input to its last output.

A population trails the inputs by as many steps as it is deep. In a stream all of them work at every step, on several samples; a
sample alone fills the cores one after another, and drains them. Neurons are updated at every step all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.message_queues import Loop, ends_of, follow
from ir.mapping.timing.spike_trains import SpikeTrains
from ir.mapping.timing.step_messages import MessageLister
from ir.mapping.timing.step_time import Ns, StepTime, barrier_time, readings, step_time
from ir.mapping.timing.ways import Ways
from ir.mapping.timing.work import StepWork, WorkCounter
from ir.profile import Profile

IDLE = -1
"""The place of a way outside of every window."""


@dataclass(frozen=True)
class Estimate:
    """A time in ns, and the range in which it lies as far as the times of the profile have one."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SampleTime:
    """What steps and samples take."""

    step: Estimate
    """A step of the stream, on average."""
    longest_step: Estimate
    """The longest of these steps."""
    streaming: Estimate
    """A sample in the stream."""
    isolated: Estimate
    """A sample alone."""
    core: int
    """The core that holds up most of the stream."""
    waits_for: str
    """What it does then: neurons, messages, synapses; or queues, links, barrier."""
    work: StepWork
    """What cores and links do in a step of the stream, on average, of all samples that those followed were taken from."""


def sample_time(
    ways: Ways,
    cores: CoreMap,
    profile: Profile,
    trains: SpikeTrains,
    first: Mapping[str, int],
    steps: int,
    loop: Loop = follow,
) -> SampleTime:
    """
    What some samples take, on average; with messages that wait for each other where the profile says how many find room.

    Args:
        first: population or input -> the chip step in which its window begins, if that of the inputs begins in step 0.
        steps: chip steps of a sample alone.
        loop: as it is or compiled.
    """
    counter, numbers = WorkCounter(ways, cores, profile.mesh), readings(profile)
    barriers = [barrier_time(cores.places, profile.mesh, ns) for ns in numbers]
    ends = _ends(ways, cores, profile, trains, loop)

    def timed(rows: Array) -> list[StepTime]:
        work, ends_by = counter.of(spikes_in(trains, rows)), ends(rows)
        return [step_time(work, *each, ends_by(each[0])) for each in zip(numbers, barriers, strict=True)]

    begin, samples = begins(ways, first), len(trains.counts)
    stream = [timed(rows) for rows in _stream(trains, begin)]
    single = [timed(rows) for sample in range(samples) for rows in alone(trains, sample, begin, steps)]
    longest = max(stream, key=lambda each: each[0].ns)
    core, waits_for = _held_up(each[0] for each in stream)
    return SampleTime(
        step=_mean(stream, len(stream)),
        longest_step=_mean([longest], 1),
        streaming=_mean(stream, samples),
        isolated=_mean(single, samples),
        core=core,
        waits_for=waits_for,
        work=counter.of(trains.mean),
    )


def begins(ways: Ways, first: Mapping[str, int]) -> Array:
    """(ways,), the step in which the window of every way begins."""
    begin = np.zeros(ways.count, np.int64)
    for name, way in ways.of.items():
        begin[way] = first[name]
    return begin


def _stream(trains: SpikeTrains, begin: Array) -> Iterator[Array]:
    """The steps of a stream without an end, in which the samples come again and again; as `alone`."""
    rows = len(trains.counts) * trains.counts.shape[1]
    return ((step - begin) % rows for step in range(rows))


def alone(trains: SpikeTrains, sample: int, begin: Array, steps: int) -> Iterator[Array]:
    """
    The steps from the first input of a sample to its last output, with nothing before and after it.

    Each is int (ways,): the chip step of all windows, sample after sample, that a way is in; IDLE where it is in none.
    """
    window = trains.counts.shape[1]
    for step in range(steps):
        at = step - begin
        yield np.where((at >= 0) & (at < window), sample * window + at, IDLE)


def spikes_in(trains: SpikeTrains, rows: Array) -> Array:
    """How many neurons of every way fire in a step, float (ways,)."""
    counts = trains.counts.reshape(-1, len(rows))
    return np.where(rows == IDLE, 0, counts[rows, np.arange(len(rows))])


def _ends(
    ways: Ways, cores: CoreMap, profile: Profile, trains: SpikeTrains, loop: Loop
) -> Callable[[Array], Callable[[Ns], Array | None]]:
    """What says of a step, by the times of events, when the halves of every core are done; None where nobody knows."""
    neurons, room = trains.neurons, profile.mesh.link_buffer
    if neurons is None or room is None:
        return lambda rows: lambda ns: None
    lister = MessageLister(ways, cores, profile.mesh)

    def ends(rows: Array) -> Callable[[Ns], Array]:
        at = {name: int(rows[way[0]]) for name, way in ways.of.items()}
        fired = {name: neurons[name].of_set(row) for name, row in at.items() if row != IDLE}
        messages = lister.of(fired)
        return lambda ns: ends_of(messages, lister.routes, ns, room, loop)

    return ends


def _mean(steps: Sequence[Sequence[StepTime]], count: int) -> Estimate:
    """The sum of some steps over `count`, for every reading of the times."""
    return Estimate(*(sum(each.ns for each in reading) / count for reading in zip(*steps, strict=True)))


def _held_up(steps: Iterable[StepTime]) -> tuple[int, str]:
    """The core that takes longest for most of the time, and what is waited for most of the time."""
    cores, waits = dict[int, float](), dict[str, float]()
    for step in steps:
        cores[step.core] = cores.get(step.core, 0.0) + step.ns
        waits[step.waits_for] = waits.get(step.waits_for, 0.0) + step.ns
    return max(cores, key=lambda core: cores[core]), max(waits, key=lambda name: waits[name])
