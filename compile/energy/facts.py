"""What a sample takes of one part, before anything has a price: the facts that energy models are functions of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from backends.trace import Events
from compile.energy.crossing import NOTHING, CrossingCost
from compile.energy.dense import DenseTwin, activation_bits, dense_twins
from compile.energy.formula.analytic import FormulaRow, formula_rows
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.hosted import host_work
from compile.energy.formula.published import PublishedTable
from compile.energy.formula.rates import Rates
from compile.energy.models.effective_operations import EffectiveOperations, effective_operations
from compile.energy.models.memory_accesses import MemoryFacts, memory_facts
from compile.energy.simulated import Counts, node_counts
from ir.analysis.layers import layer_of
from ir.graph import Graph


@dataclass(frozen=True)
class ModuleFacts:
    """One module of the source network, per sample."""

    layer: str
    """The population that it feeds, or is; "" for the host."""
    counts: Counts
    """Events on the chip."""
    twin: DenseTwin
    formula: ArithmeticWork
    """What the general formula charges."""


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
    modules: tuple[ModuleFacts, ...]
    """Counts, twin and formula module by module."""


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
    nothing = DenseTwin(0, 0, activation_bits(events.steps))
    modules = _modules(source, rates, chip, events, hosts, nothing)
    return SampleFacts(
        sum((own.counts for own in modules), Counts()),
        crossing,
        sum((own.twin for own in modules), nothing),
        sum((own.formula for own in modules), ArithmeticWork()),
        listed,
        sum(host_work(source, hosts, rates, events.steps).values(), ArithmeticWork()),
        effective_operations(source, rates, events.steps),
        memory_facts(source, rates, events.steps),
        events.steps,
        modules,
    )


def _modules(
    source: Graph, rates: Rates, chip: Graph, events: Events, hosts: Iterable[Graph], nothing: DenseTwin
) -> tuple[ModuleFacts, ...]:
    """The facts of all modules, in order; `nothing`: the twin of those without one."""
    twins, feeds = dense_twins(source, chip, hosts, events.steps), layer_of(chip)
    counts, layers, rows = dict[str, Counts](), dict[str, str](), dict[str, list[FormulaRow]]()
    for name, own in node_counts(chip, events).items():
        module = chip.nodes[name].provenance.module
        counts[module] = counts.get(module, Counts()) + own
        if name in feeds:
            layers.setdefault(module, feeds[name])
    for row in formula_rows(source, rates, events.steps):
        rows.setdefault(row.module, []).append(row)
    return tuple(
        ModuleFacts(
            layers.get(module, ""),
            counts.get(module, Counts()),
            twins.get(module, nothing),
            _charged(rows.get(module, ())),
        )
        for module in dict.fromkeys((*rows, *counts, *twins))
    )


def _charged(rows: Iterable[FormulaRow]) -> ArithmeticWork:
    return sum((row.charged for row in rows), ArithmeticWork())
