"""Energy told three ways for one deployed part, layer by layer: the papers' formula, counted events, the dense twin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from typing import Any

from backends.trace import Events
from compile.energy.analytic import FormulaRow, TableRow, dense_twin_pj, formula_rows, table_rows
from compile.energy.causes import CAUSES, Causes, extra_causes, neuron_causes, owner, row_causes, total_causes
from compile.energy.crossing import CrossingCost
from compile.energy.hosted import host_pj
from compile.energy.published import PublishedTable
from compile.energy.rates import Rates
from compile.energy.simulated import Counts, node_counts
from ir.analysis.layers import layer_of
from ir.graph import Graph, Node
from ir.profile import Profile, Quantity

PRICES = ("e_ac", "e_mac", *(item.name for item in fields(Counts)), "crossing_event", "crossing_bit")
NOTHING = CrossingCost()


@dataclass(frozen=True)
class LayerEnergy:
    """One module of the source model, per sample."""

    module: str
    layer: str
    """The population that it feeds, or is; "" for the host."""
    counts: Counts
    """Events that were counted."""
    analytic_pj: Fraction
    """What the formula, or the published table, charges."""
    simulated_pj: Fraction
    """The events times the chip's prices."""
    dense_twin_pj: Fraction
    """What the module of the dense twin costs."""
    host_pj: Fraction
    """What the host computes of it, at the formula's prices."""
    causes: Mapping[str, Fraction]
    """Cause -> energy; they add up to simulated_pj - analytic_pj exactly."""

    def is_charged(self) -> bool:
        """Whether anything at all is charged here by any of the models."""
        return bool(self.analytic_pj or self.dense_twin_pj or self.host_pj or self.counts != Counts() or self.causes)

    def plain(self) -> dict[str, Any]:
        """As JSON content; energies in pJ and events per sample, as floats."""
        energies = ("analytic_pj", "simulated_pj", "dense_twin_pj", "host_pj")
        return {
            "module": self.module,
            "layer": self.layer,
            "events_per_sample": _floats(self.counts.by_price()),
            **_floats({name: getattr(self, name) for name in energies}),
            "causes_pj": _floats(self.causes),
        }


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
    layers: tuple[LayerEnergy, ...]
    crossing: CrossingCost = NOTHING
    """What passes between host and chip, which no layer is charged for."""

    @property
    def analytic_pj(self) -> Fraction:
        """The papers' formula."""
        return sum((layer.analytic_pj for layer in self.layers), Fraction(0))

    @property
    def simulated_pj(self) -> Fraction:
        """Counted events times the chip's prices, with what crosses between host and chip where that has a price."""
        return sum((layer.simulated_pj for layer in self.layers), self.crossing.counted_pj)

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
        """Cause -> energy; they add up to simulated_pj - analytic_pj exactly."""
        return total_causes([*(layer.causes for layer in self.layers), {"crossing": self.crossing.counted_pj}])

    def plain(self) -> dict[str, Any]:
        """As JSON content: energies in pJ and events per sample as floats, every price with its source."""
        return {
            "profile": self.profile,
            "prices": {key: quantity.plain() for key, quantity in self.prices.items()},
            "analytic_pj": float(self.analytic_pj),
            "simulated_pj": float(self.simulated_pj),
            "dense_twin_pj": float(self.dense_twin_pj),
            "host_pj": float(self.host_pj),
            "arithmetic_pj": float(self.arithmetic_pj),
            "crossing": {**self.crossing.plain(), "unpriced": [*self.crossing.unpriced]},
            "events_per_sample": _floats(self.counts.by_price()),
            "causes": [
                {"name": name, "energy_pj": float(energy), "meaning": CAUSES[name]}
                for name, energy in self.causes.items()
            ],
            "published": self.published,
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


def _floats(values: Mapping[str, Fraction]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


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
        published: a paper's table whose rows replace the formula.
        hosts: what the host runs before and after the chip, in every phase.
        crossing: what passes between host and chip.

    Raises:
        CompileError: `profile.missing` where the profile lacks a price; `missing_prices` says which beforehand.
    """
    rows = formula_rows(source, rates, events.steps, published)
    host = host_pj(source, hosts, rates, events.steps, profile)
    work = _Work(chip, node_counts(chip, events), rows, dense_twin_pj(source, profile), host, profile)
    nodes = (*source.nodes.values(), *chip.nodes.values())
    layers = tuple(work.layer(module) for module in dict.fromkeys(node.provenance.module for node in nodes))
    prices = {key: quantity for key, quantity in profile.tables.get("energy", {}).items() if key in PRICES}
    table = table_rows(rows, published, profile) if published else ()
    charged = tuple(layer for layer in layers if layer.is_charged())
    return EnergyReport(profile.name, prices, published.source if published else "", table, charged, crossing)


@dataclass(frozen=True)
class _Work:
    """What a layer's comparison needs to know about the whole part."""

    chip: Graph
    counts: Mapping[str, Counts]
    rows: Sequence[FormulaRow]
    dense: Mapping[str, Fraction]
    host: Mapping[str, Fraction]
    profile: Profile

    @cached_property
    def feeds(self) -> Mapping[str, str]:
        """Node of the chip graph -> population that it feeds or is."""
        return layer_of(self.chip)

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
            analytic_pj=sum((row.energy_pj(self.profile) for row in rows.values()), Fraction(0)),
            simulated_pj=counts.energy_pj(self.profile),
            dense_twin_pj=self.dense.get(module, Fraction(0)),
            host_pj=self.host.get(module, Fraction(0)),
            causes=total_causes(self._causes(rows, nodes)),
        )

    def _causes(self, rows: Mapping[tuple[str, str], FormulaRow], nodes: Sequence[Node]) -> Iterator[Causes]:
        projections = [node for node in nodes if node.op.family == "projection"]
        owners = {node.name: owner(node, rows) for node in projections}
        for key, row in rows.items():
            yield row_causes(row, [n for n in projections if owners[n.name] == key], self.counts, self.profile)
        for node in nodes:
            if node.op.family == "neuron":
                yield neuron_causes(self.counts[node.name], self.profile)
            elif owners[node.name] is None:
                yield extra_causes(self.chip, node, self.counts, self.profile)
