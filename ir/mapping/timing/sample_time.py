"""
How long samples take on a map: one after another without a pause, or one alone, from its first input to its last output.

A population trails the inputs by as many steps as it is deep. In a stream all of them work at every step, on several samples; a
sample alone fills the cores one after another, and drains them. Neurons are updated at every step all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.step_time import StepTime, barrier_time, readings, step_time
from ir.mapping.timing.ways import Ways
from ir.mapping.timing.work import StepWork, WorkCounter
from ir.profile import Profile


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
    """What it does then: neurons, messages, synapses; or links, barrier."""
    work: StepWork
    """What cores and links do in a step of the stream, on average."""


def sample_time(
    ways: Ways, cores: CoreMap, profile: Profile, spikes: Array, first: Mapping[str, int], steps: int
) -> SampleTime:
    """
    What some samples take, on average.

    Args:
        spikes: float (samples, chip steps of a window, ways), how many neurons of every way fire.
        first: population or input -> the chip step in which its window begins, if that of the inputs begins in step 0.
        steps: chip steps of a sample alone.
    """
    counter, numbers = WorkCounter(ways, cores, profile.mesh), readings(profile)
    barriers = [barrier_time(cores.places, profile.mesh, ns) for ns in numbers]

    def timed(row: Array) -> list[StepTime]:
        work = counter.of(row)
        return [step_time(work, ns, barrier) for ns, barrier in zip(numbers, barriers, strict=True)]

    begin, samples = begins(ways, first), len(spikes)
    stream = [timed(row) for row in _stream(spikes, begin)]
    single = [timed(row) for sample in spikes for row in alone(sample, begin, steps)]
    longest = max(stream, key=lambda each: each[0].ns)
    core, waits_for = _held_up(each[0] for each in stream)
    return SampleTime(
        step=_mean(stream, len(stream)),
        longest_step=_mean([longest], 1),
        streaming=_mean(stream, samples),
        isolated=_mean(single, samples),
        core=core,
        waits_for=waits_for,
        work=counter.of(spikes.mean(axis=(0, 1))),
    )


def begins(ways: Ways, first: Mapping[str, int]) -> Array:
    """(ways,), the step in which the window of every way begins."""
    begin = np.zeros(ways.count, np.int64)
    for name, way in ways.of.items():
        begin[way] = first[name]
    return begin


def _stream(spikes: Array, begin: Array) -> Iterator[Array]:
    """The steps of a stream without an end, in which the samples come again and again."""
    rows = spikes.reshape(-1, spikes.shape[2])
    column = np.arange(len(begin))
    return (rows[(step - begin) % len(rows), column] for step in range(len(rows)))


def alone(sample: Array, begin: Array, steps: int) -> Iterator[Array]:
    """The steps from the first input of a sample to its last output, with nothing before and after it."""
    own = np.concatenate([sample, np.zeros((1, len(begin)))])
    column, idle = np.arange(len(begin)), len(sample)
    for step in range(steps):
        at = step - begin
        yield own[np.where((at >= 0) & (at < idle), at, idle), column]


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
