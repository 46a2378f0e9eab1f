"""What a sample takes of one part, before anything has a price: the facts that energy models are functions of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from backends.trace import Events
from compile.energy.crossing import NOTHING, CrossingCost
from compile.energy.dense import DenseTwin, dense_twin
from compile.energy.formula.analytic import FormulaRow, formula_rows
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.hosted import host_work
from compile.energy.formula.published import PublishedTable
from compile.energy.formula.rates import Rates
from compile.energy.models.effective_operations import EffectiveOperations, effective_operations
from compile.energy.models.memory_accesses import MemoryFacts, memory_facts
from compile.energy.simulated import Counts, node_counts
from ir.graph import Graph


@dataclass(frozen=True)
class SampleFacts:
    """Per sample."""

    counts: Counts
    """Events on the chip."""
    crossing: CrossingCost
    """What passes between host and chip."""
    twin: DenseTwin
    formula: ArithmeticWork
    """What the general formula charges."""
    published: ArithmeticWork | None
    """What a paper's own table charges; None without one."""
    host: ArithmeticWork
    """What the host computes."""
    operations: EffectiveOperations
    """As other tools count them."""
    memory: MemoryFacts
    """Layers and populations, for models with memory."""
    steps: int | Fraction
    """T; its mean where samples differ."""


def sample_facts(
    source: Graph,
    rates: Rates,
    chip: Graph,
    events: Events,
    published: PublishedTable | None = None,
    hosts: Iterable[Graph] = (),
    crossing: CrossingCost = NOTHING,
) -> SampleFacts:
    """The facts of a run; arguments as of `energy_report`."""
    hosts = tuple(hosts)
    listed = None if published is None else _charged(formula_rows(source, rates, events.steps, published))
    return SampleFacts(
        sum(node_counts(chip, events).values(), Counts()),
        crossing,
        dense_twin(source, chip, hosts, events.steps),
        _charged(formula_rows(source, rates, events.steps)),
        listed,
        sum(host_work(source, hosts, rates, events.steps).values(), ArithmeticWork()),
        effective_operations(source, rates, events.steps),
        memory_facts(source, rates, events.steps),
        events.steps,
    )


def _charged(rows: Iterable[FormulaRow]) -> ArithmeticWork:
    return sum((row.charged for row in rows), ArithmeticWork(Fraction(0)))
