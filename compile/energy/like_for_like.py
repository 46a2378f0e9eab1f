"""
One run at the prices of several profiles: at each the network, its dense twin, its quantised twin and the host, like for like.

    counted events, a chip's prices:   E = synaptic_event S + graded_event P + neuron_update U + spike F
    counted events, arithmetic alone:  E = E_AC S + E_MAC P
    the papers' formula:               E = E_AC sum T R FL, and E_MAC FL where nothing spikes

S and P are spikes and payloads at synapses, U neuron updates and F spikes, all of them counted in the run, and what crosses to
the host where that has a price. At arithmetic prices neurons are free, as in the papers' formula. What the host computes costs
arithmetic, in a row of its own: the ratio of twin and network is that of what the chip does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from compile.energy.bill import Bill, EnergyRange, bill
from compile.energy.crossing import NOTHING, CrossingCost
from compile.energy.dense import dense_bill, quantised_bill
from compile.energy.facts import ModuleFacts, SampleFacts
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.models.break_even import BreakEven, SynapseUse, break_even
from compile.energy.models.memory_accesses import MemoryBills, memory_bills
from compile.energy.on_chip import TRAFFIC
from compile.energy.simulated import Counts
from ir.profile import Profile

NOT_IN_EVENTS = ("hops", "static power", "barrier", "weights being loaded")
NOT_IN_ARITHMETIC = ("neurons", "memory", "static power")
NOT_IN_HOST = ("memory", "static power", "norms, softmax and other functions")


BILLS = ("network", "formula", "published", "dense", "quantised", "host", "neurobench", "syops")
"""The rows of a table that are bills."""
DRIVEN = frozenset({"synaptic_event", "graded_event", "spike", "crossing_event", "crossing_bit", "e_ac", "e_mac"})
"""What counted events are charged by the spike; neurons are updated all the same."""


@dataclass(frozen=True)
class LayerBills:
    """What one module costs."""

    layer: str
    """The population that it feeds, or is; "" for the host."""
    network: Bill
    formula: Bill | None
    dense: Bill


@dataclass(frozen=True)
class PriceTable:
    """One network at the prices of one profile, per sample; None where these prices do not know such a thing."""

    profile: str
    title: str
    network: Bill
    """Counted events."""
    formula: Bill | None
    """The papers' general formula; None at the prices of a chip."""
    published: Bill | None
    """A paper's own table; None without one."""
    dense: Bill
    quantised: Bill | None
    """None at prices of floating point, and of a chip."""
    host: Bill
    """What the host computes: neither in the network nor in its twins; the formula and the tools charge it, too."""
    silent: Bill
    """Counted events of the same network when nothing spikes."""
    neurobench: Bill | None
    """Effective operations as NeuroBench counts them; None at the prices of a chip."""
    syops: Bill | None
    """Operations as syops counts them; None at the prices of a chip."""
    memory: MemoryBills | None
    """With accesses to memory; None at prices that do not say how wide integers are."""
    use: SynapseUse
    """How much spikes, for break-even."""
    layers: tuple[LayerBills, ...]
    """Module by module, of one part; what crosses to the host is in none of them."""
    stated: frozenset[str]
    """Prices that the profile has, but those of a map."""

    def __add__(self, other: PriceTable) -> PriceTable:
        """Both networks together, as far as both have a row."""
        return PriceTable(
            self.profile,
            self.title,
            self.network + other.network,
            _both(self.formula, other.formula),
            _both(self.published, other.published),
            self.dense + other.dense,
            _both(self.quantised, other.quantised),
            self.host + other.host,
            self.silent + other.silent,
            _both(self.neurobench, other.neurobench),
            _both(self.syops, other.syops),
            None if self.memory is None or other.memory is None else self.memory + other.memory,
            self.use + other.use,
            (*self.layers, *other.layers),
            self.stated,
        )

    @property
    def unused(self) -> tuple[str, ...]:
        """Prices that the profile states and no bill here is charged at, in alphabetical order."""
        memory = () if self.memory is None else (self.memory.network, self.memory.dense)
        bills = (*(getattr(self, name) for name in BILLS), *memory)
        charged = {line.price for own in bills if own is not None for line in own.lines}
        return tuple(sorted(self.stated - charged))

    @property
    def dense_over_network(self) -> float | None:
        """How many times the network's energy the dense twin's is; None where one is not known."""
        return ratio(self.dense.energy, self.network.energy)

    @property
    def break_evens(self) -> tuple[BreakEven, ...]:
        """How much could spike until the network costs what its twins do, by counted events and with memory."""
        pairs = [(self.network, self.silent, self.dense)]
        pairs += [] if self.quantised is None else [(self.network, self.silent, self.quantised)]
        pairs += [] if self.memory is None else [(self.memory.network, self.memory.silent, self.memory.dense)]
        found = (break_even(*pair, self.use) for pair in pairs)
        return tuple(each for each in found if each is not None)

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        bills = {name: getattr(self, name) for name in BILLS}
        return {
            "prices": self.profile,
            "title": self.title,
            **{name: None if own is None else own.plain() for name, own in bills.items()},
            "memory": None if self.memory is None else self.memory.plain(),
            "dense_over_network": self.dense_over_network,
            "unused_prices": [*self.unused],
            "break_even": [each.plain() for each in self.break_evens],
        }


def _both(first: Bill | None, second: Bill | None) -> Bill | None:
    return None if first is None or second is None else first + second


def ratio(upper: EnergyRange | None, lower: EnergyRange | None) -> float | None:
    """One energy over another; None where that says nothing."""
    return float(upper.value / lower.value) if upper is not None and lower is not None and lower.value else None


def price_table(facts: SampleFacts, profile: Profile) -> PriceTable:
    """What was counted in a run, and its twins, at the prices of a profile."""
    chip, network, counted = profile.has_events, event_bill(facts, profile), facts.operations
    silent = tuple(line for line in network.lines if line.price not in DRIVEN)
    events, stated = facts.counts.synaptic_event + facts.counts.graded_event, profile.tables.get("energy", {})
    return PriceTable(
        profile.name,
        profile.title,
        network,
        _formula_bill(facts.formula, profile),
        None if chip or facts.published is None else _arithmetic_bill("published", facts.published, profile),
        dense_bill(facts.twin, profile),
        quantised_bill(facts.twin, profile),
        bill("host", facts.host.by_price(), profile, facts.host.by_price(), NOT_IN_HOST),
        replace(network, lines=silent),
        None if chip else _arithmetic_bill("neurobench", counted.neurobench, profile),
        None if chip else _arithmetic_bill("syops", counted.syops, profile),
        memory_bills(facts.memory, profile),
        SynapseUse(events, facts.twin.macs, facts.steps),
        tuple(_layer_bills(own, profile) for own in facts.modules),
        frozenset(key for key, price in stated.items() if price.unit == "pJ" and price.value).difference(TRAFFIC),
    )


def event_bill(facts: SampleFacts, profile: Profile) -> Bill:
    """What was counted in a run, at the prices of a chip, or of arithmetic alone."""
    return _event_bill(facts.counts, facts.crossing, profile)


def _layer_bills(own: ModuleFacts, profile: Profile) -> LayerBills:
    network, formula = _event_bill(own.counts, NOTHING, profile), _formula_bill(own.formula, profile)
    return LayerBills(own.layer, network, formula, dense_bill(own.twin, profile))


def _event_bill(counts: Counts, crossing: CrossingCost, profile: Profile) -> Bill:
    if profile.has_events:
        happened = {**counts.by_price(), **crossing.by_price()}
        return bill("events", happened, profile, ("synaptic_event", "graded_event"), NOT_IN_EVENTS)
    return _arithmetic_bill("events", ArithmeticWork(counts.synaptic_event, counts.graded_event), profile)


def _formula_bill(work: ArithmeticWork, profile: Profile) -> Bill | None:
    return None if profile.has_events else _arithmetic_bill("formula", work, profile)


def _arithmetic_bill(model: str, work: ArithmeticWork, profile: Profile) -> Bill:
    return bill(model, work.by_price(), profile, work.by_price(), NOT_IN_ARITHMETIC)


def summed(tables: Iterable[Iterable[PriceTable]]) -> tuple[PriceTable, ...]:
    """Tables of several parts, profile by profile."""
    return tuple(reduce(add, own) for own in zip(*tables, strict=True))
