"""
The events of a run on the cores of its map, hops and static power included, for samples in a stream and for one alone.

    E = synaptic_event S + graded_event P + neuron_update N steps + spike F + axon_out M_out + axon_in M_in
        + hop_east_west H_x + hop_north_south H_y + static_power chips time + what crosses between host and chip

N are all neurons of the map: each is updated at every step of the chip, also between the micro-steps of counts that are coded in
time, and for a sample alone from its first input to its last output. M are messages, a spike for a core that reads it; H are
messages times the links of the mesh that they pass; time is that of `compile.measure.timing`. 1 mW ns = 1 pJ. So event models
of Loihi have it (Davies 2018, doi:10.1109/MM.2018.112130359; SANA-FE, doi:10.1109/TCAD.2025.3537971).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compile.energy.bill import Bill, bill
from compile.energy.facts import SampleFacts
from ir.mapping.timing.sample_time import SampleTime
from ir.mapping.timing.work import StepWork
from ir.profile import Profile

TRAFFIC: Mapping[str, Callable[[StepWork], float]] = {
    "axon_out": lambda work: float(work.axon_out.sum()),
    "axon_in": lambda work: float(work.axon_in.sum()),
    "hop_east_west": lambda work: work.links.along_rows,
    "hop_north_south": lambda work: work.links.along_columns,
}
"""Price of what only a map knows -> how often it is to be paid in a step."""
NOT_MODELLED = ("barrier", "weights being loaded", "processors beside the cores")


@dataclass(frozen=True)
class OnChip:
    """Per sample."""

    streaming: Bill
    """One sample after another without a pause."""
    isolated: Bill
    """One alone, from its first input to its last output."""
    unused: tuple[str, ...]
    """Prices of the chip's that the profile states, and nothing is charged at."""

    def __add__(self, other: OnChip) -> OnChip:
        """Both networks, each on chips of its own."""
        unused = tuple(key for key in self.unused if key in other.unused)
        return OnChip(self.streaming + other.streaming, self.isolated + other.isolated, unused)

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {
            "streaming": self.streaming.plain(),
            "isolated": self.isolated.plain(),
            "unused_prices": [*self.unused],
        }


def on_chip(
    facts: SampleFacts, time: SampleTime, steps: tuple[int, int], chips: int, profile: Profile
) -> OnChip | None:
    """
    The bills of a part on its map; None where nobody has published what its events cost.

    Args:
        time: of the part, with what cores and links do in a step on average.
        steps: of the chip, for a sample in the stream and for one alone.
    """
    if "energy" not in profile.tables:
        return None
    work, events = time.work, facts.counts.by_price()
    traffic = {key: Fraction(count(work)) * steps[0] for key, count in TRAFFIC.items()}
    neurons = int(work.neuron_update.sum())

    def billed(name: str, own_steps: int, ns: float) -> Bill:
        always = {"neuron_update": neurons * own_steps, "static_power": Fraction(ns) * chips}
        counts = {**events, **traffic, **always, **facts.crossing.by_price()}
        return bill(name, counts, profile, ("synaptic_event", "graded_event"), NOT_MODELLED)

    streaming = billed("streaming", steps[0], time.streaming.value)
    if streaming.energy is None:
        return None
    charged, stated = {line.price for line in streaming.lines}, profile.tables["energy"]
    unused = tuple(key for key in (*events, *traffic) if key in stated and key not in charged and stated[key].value)
    return OnChip(streaming, billed("isolated", steps[1], time.isolated.value), unused)
