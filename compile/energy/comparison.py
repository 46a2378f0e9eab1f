"""Energy told three ways for one deployed part, layer by layer: the papers' formula, counted events, the dense twin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import Any

from backends.trace import Events
from compile.energy.causes import (
    CAUSES,
    TABLE_CAUSES,
    Causes,
    extra_causes,
    neuron_causes,
    owner,
    row_causes,
    table_causes,
    total_causes,
)
from compile.energy.crossing import NOTHING, CrossingCost
from compile.energy.dense import dense_twin_pj
from compile.energy.formula.analytic import FormulaRow, TableRow, formula_rows, table_rows
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.hosted import host_work
from compile.energy.formula.published import PublishedTable
from compile.energy.formula.rates import Rates
from compile.energy.layer_energy import LayerEnergy, floats
from compile.energy.simulated import Counts, node_counts
from ir.analysis.layers import layer_of
from ir.analysis.resources import is_added
from ir.analysis.wiring import wiring_of
from ir.graph import Graph, Node
from ir.profile import Profile, Quantity

PRICES = ("e_ac", "e_mac", *(item.name for item in fields(Counts)), "crossing_event", "crossing_bit")


@dataclass(frozen=True)
class EnergyReport:
    """The three energies of one part per sample, in total and by module, with the prices they come from."""

    profile: str
    """The profile's name."""
    prices: Mapping[str, Quantity]
    """Price -> its number with the source."""
    published: str
    """The source of the published table; "" without one."""
    table: tuple[TableRow, ...]
    """The published table's rows with this network's numbers."""
    published_pj: Fraction | None
    """What the published table charges; None without one."""
    table_causes: Mapping[str, Fraction]
    """Cause -> energy; they add up to published_pj - formula_pj exactly."""
    layers: tuple[LayerEnergy, ...]
    crossing: CrossingCost = NOTHING
    """What passes between host and chip, which no layer is charged for."""

    @property
    def formula_pj(self) -> Fraction:
        """The papers' general formula."""
        return sum((layer.formula_pj for layer in self.layers), Fraction(0))

    @property
    def counted_pj(self) -> Fraction:
        """Counted events times the chip's prices, with what crosses between host and chip where that has a price."""
        return sum((layer.counted_pj for layer in self.layers), self.crossing.counted_pj)

    @property
    def dense_twin_pj(self) -> Fraction:
        """The same network as an ordinary analog one."""
        return sum((layer.dense_twin_pj for layer in self.layers), Fraction(0))

    @property
    def host_pj(self) -> Fraction:
        """What the host computes, at the formula's prices; the twin has it too, the counted events have not."""
        return sum((layer.host_pj for layer in self.layers), Fraction(0))

    @property
    def arithmetic_pj(self) -> Fraction:
        """Like with like beside the twin: counted events at E_AC per spike and E_MAC per payload, neurons free, and the host."""
        e_ac, e_mac = (Fraction(self.prices[name].value) for name in ("e_ac", "e_mac"))
        return e_ac * self.counts.synaptic_event + e_mac * self.counts.graded_event + self.host_pj

    @property
    def counts(self) -> Counts:
        """Events per sample."""
        return sum((layer.counts for layer in self.layers), Counts())

    @property
    def causes(self) -> Mapping[str, Fraction]:
        """Cause -> energy; they add up to counted_pj - formula_pj exactly."""
        return total_causes([*(layer.causes for layer in self.layers), {"crossing": self.crossing.counted_pj}])

    def plain(self) -> dict[str, Any]:
        """As JSON content: energies in pJ and events per sample as floats, every price with its source."""
        return {
            "profile": self.profile,
            "prices": {key: quantity.plain() for key, quantity in self.prices.items()},
            "formula_pj": float(self.formula_pj),
            "counted_pj": float(self.counted_pj),
            "dense_twin_pj": float(self.dense_twin_pj),
            "host_pj": float(self.host_pj),
            "arithmetic_pj": float(self.arithmetic_pj),
            "crossing": {**self.crossing.plain(), "unpriced": [*self.crossing.unpriced]},
            "events_per_sample": floats(self.counts.by_price()),
            "causes": [
                {"name": name, "energy_pj": float(energy), **asdict(CAUSES[name])}
                for name, energy in self.causes.items()
            ],
            "published": self.published,
            "published_pj": None if self.published_pj is None else float(self.published_pj),
            "published_causes": [
                {"name": name, "energy_pj": float(energy), "meaning": TABLE_CAUSES[name]}
                for name, energy in self.table_causes.items()
            ],
            "published_rows": [_plain_row(row) for row in self.table],
            "layers": [layer.plain() for layer in self.layers],
        }


def _plain_row(row: TableRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "formula": row.formula,
        "operations_per_step": row.flops,
        "real_operations_per_step": row.real_flops,
        "differs": row.differs,
        "rate": float(row.rate),
        "energy_pj": float(row.energy_pj),
    }


def energy_report(
    source: Graph,
    rates: Rates,
    chip: Graph,
    events: Events,
    profile: Profile,
    published: PublishedTable | None = None,
    hosts: Iterable[Graph] = (),
    crossing: CrossingCost = NOTHING,
) -> EnergyReport:
    """
    Compare the energy models for one part.

    Args:
        source: the part as traced.
        rates: activity of the source's values over some samples, from a `RateMeter` on `source`.
        chip: the lowered graph that ran, floating or quantized.
        events: what the run counted.
        profile: prices, the formula's and the chip's.
        published: a paper's table, to stand beside the formula.
        hosts: what the host runs before and after the chip, in every phase.
        crossing: what passes between host and chip.

    Raises:
        CompileError: `profile.missing` where the profile lacks a price; `missing_prices` says which beforehand.
    """
    rows = formula_rows(source, rates, events.steps)
    listed = formula_rows(source, rates, events.steps, published) if published else ()
    host = host_work(source, hosts, rates, events.steps)
    work = _Work(chip, node_counts(chip, events), rows, dense_twin_pj(source, profile), host, profile)
    nodes = (*source.nodes.values(), *chip.nodes.values())
    layers = tuple(work.layer(module) for module in dict.fromkeys(node.provenance.module for node in nodes))
    prices = {key: quantity for key, quantity in profile.tables.get("energy", {}).items() if key in PRICES}
    return EnergyReport(
        profile.name,
        prices,
        published.source if published else "",
        table_rows(listed, published, profile) if published else (),
        sum((row.charged.energy_pj(profile) for row in listed), Fraction(0)) if published else None,
        table_causes(listed, rows, profile) if published else {},
        tuple(layer for layer in layers if layer.is_charged()),
        crossing,
    )


@dataclass(frozen=True)
class _Work:
    """What a layer's comparison needs to know about the whole part."""

    chip: Graph
    counts: Mapping[str, Counts]
    rows: Sequence[FormulaRow]
    dense: Mapping[str, Fraction]
    host: Mapping[str, ArithmeticWork]
    profile: Profile

    @cached_property
    def feeds(self) -> Mapping[str, str]:
        """Node of the chip graph -> population that it feeds or is."""
        return layer_of(self.chip)

    @cached_property
    def fed(self) -> Mapping[str, Sequence[str]]:
        """Projection -> the populations that it feeds."""
        return wiring_of(self.chip).targets

    def layer(self, module: str) -> LayerEnergy:
        """All energies of one module."""
        nodes = [
            node for node in self.chip.nodes.values() if node.provenance.module == module and node.name in self.counts
        ]
        rows = {(row.module, row.kind): row for row in self.rows if row.module == module}
        counts = sum((self.counts[node.name] for node in nodes), Counts())
        return LayerEnergy(
            module=module,
            layer=next((self.feeds[node.name] for node in nodes if node.name in self.feeds), ""),
            counts=counts,
            formula_pj=sum((row.charged.energy_pj(self.profile) for row in rows.values()), Fraction(0)),
            counted_pj=counts.energy_pj(self.profile),
            dense_twin_pj=self.dense.get(module, Fraction(0)),
            host_pj=self.host.get(module, ArithmeticWork()).energy_pj(self.profile),
            causes=total_causes(self._causes(rows, nodes)),
        )

    def _causes(self, rows: Mapping[tuple[str, str], FormulaRow], nodes: Sequence[Node]) -> Iterator[Causes]:
        projections = [node for node in nodes if node.op.family == "projection"]
        owners = {node.name: owner(node, rows) for node in projections}
        for key, row in rows.items():
            own = [node for node in projections if owners[node.name] == key]
            opened = {name for node in own if node.op.kind == "synapse" for name in self.fed.get(node.name, ())}
            gates = sum(self.chip.nodes[name].type.size for name in opened)
            yield row_causes(row, own, self.counts, self.profile, gates)
        for node in nodes:
            if node.op.family == "neuron":
                yield neuron_causes(self.counts[node.name], self.profile, is_added(node))
            elif owners[node.name] is None:
                yield extra_causes(self.chip, node, self.counts, self.profile)
