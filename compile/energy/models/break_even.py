"""
Where a spiking network stops winning: how many spikes a synapse may carry per inference until it costs what its twin does.

    s  = S / MACs                        spikes per synapse: S events at synapses, for the MACs of the ordinary network
    s* = s (E_twin - E_0) / (E - E_0)    break-even: E_0 is what the network costs when nothing spikes
    r* = s* / T                          the same as a rate

With arithmetic alone nothing but events is paid: s* = E_MAC / E_AC where all that arrives are spikes, 5.1 in floating point.
Few networks fire so much. What others find with memory and control stands beside it: M. Dampfhoffer et al. (IEEE TETCI
7(3):731, 2023, doi:10.1109/TETCI.2022.3214509) 0.15 to 1.38 spikes per synapse by the hardware, Z. Yan et al. (arXiv:2409.08290)
a rate of 0.064 at T of 5 to 10 against a quantised twin.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from compile.energy.bill import Bill


@dataclass(frozen=True)
class BreakEven:
    """Of one network, at the prices of one profile."""

    profile: str
    models: str
    """By which models network and twin are compared."""
    spikes_per_synapse: float
    """Per inference."""
    at_most: float
    """Those with which it costs what its twin does; 0 where what is paid without a spike is more than the twin already."""
    steps: float

    @property
    def rate(self) -> float:
        """The same as spikes per synapse and step."""
        return self.at_most / self.steps

    @property
    def wins(self) -> bool:
        """Whether the network costs less than its twin."""
        return self.spikes_per_synapse < self.at_most

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {**asdict(self), "rate": self.rate, "wins": self.wins}


@dataclass(frozen=True)
class SynapseUse:
    """How much spikes, of how much that could."""

    events: Fraction
    """Spikes and payloads at synapses per sample."""
    macs: int
    """Products of the ordinary network."""
    steps: int | Fraction
    """T."""

    def __add__(self, other: SynapseUse) -> SynapseUse:
        return SynapseUse(self.events + other.events, self.macs + other.macs, max(self.steps, other.steps))


def break_even(network: Bill, silent: Bill, twin: Bill, use: SynapseUse) -> BreakEven | None:
    """Where a network's bill meets its twin's, `silent` when nothing spikes; None where one is not known, or nothing spikes."""
    energies = [bill.energy for bill in (network, silent, twin) if bill.energy is not None]
    if len(energies) < 3 or not use.macs:
        return None
    own, rest, other = (energy.value for energy in energies)
    if own <= rest:
        return None
    spikes = use.events / use.macs
    most = max(Fraction(0), (other - rest) / (own - rest) * spikes)
    models = f"{network.model}, {twin.model} twin"
    return BreakEven(network.profile, models, float(spikes), float(most), float(use.steps))
