"""
What the papers calculate: the formula E = E_AC T R FL per source layer, from measured rates and counted operations, and the
energy of the dense twin.

Where no operand spikes it is E_MAC FL for every step, once per window where the operand is static. With a published table
its own rows replace the formula, as the paper charges them, and what the table leaves out costs nothing.

The dense twin is the same network as an ordinary one with analog activations, computed once: every real operation of its
matrix products, on the host and on the chip, is a multiplication with accumulation. It has no time steps. Elementwise products
and plain sums are left out, as the papers leave them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy.operations import Operation, operations
from compile.energy.published import PublishedTable
from compile.energy.rates import Rates
from ir.graph import Graph
from ir.profile import Profile

MISSING = "not in the table"
DENSE_KINDS = ("linear", "conv", "matmul")
"""The operations of a dense twin."""


@dataclass(frozen=True)
class FormulaRow:
    """The operations of one kind in one module of the source, per sample."""

    module: str
    kind: str
    published: str
    """The row of the published table, MISSING, or "" without a table."""
    flops: int
    """Operations per step of the formula or row."""
    real_flops: int
    """Operations per step."""
    rate: Fraction
    """Mean rate of the operands, weighted by operations."""
    charged_ac: Fraction
    """Accumulations that the formula charges, rate included."""
    charged_mac: Fraction
    """Multiplications that the formula charges."""
    real_ac: Fraction
    """Accumulations with the real operation count, rate included."""
    real_mac: Fraction
    """Multiplications with the real operation count."""
    spikes: Fraction
    """The real accumulations with every spike counted, where an element of a residual sum is several."""
    both_spike: bool
    """Whether it is a product of spikes by spikes, of ANDs."""

    def energy_pj(self, profile: Profile) -> Fraction:
        """The row's energy per sample."""
        return price(profile, "e_ac") * self.charged_ac + price(profile, "e_mac") * self.charged_mac

    def real_pj(self, profile: Profile) -> Fraction:
        """The same with the real operation count, multiplications where no operand spikes."""
        return price(profile, "e_ac") * self.real_ac + price(profile, "e_mac") * self.real_mac


def price(profile: Profile, key: str) -> Fraction:
    """A price in pJ; CompileError("profile.missing") where the profile states none."""
    return Fraction(profile.quantity("energy", key).value)


def dense_twin_pj(source: Graph, profile: Profile) -> Mapping[str, Fraction]:
    """Module of the source network -> energy per sample of its dense twin."""
    energy: dict[str, Fraction] = {}
    for operation in operations(source):
        if operation.kind in DENSE_KINDS:
            more = price(profile, "e_mac") * operation.real
            energy[operation.module] = energy.get(operation.module, Fraction(0)) + more
    return energy


def formula_rows(
    source: Graph, rates: Rates, steps: int | Fraction, published: PublishedTable | None = None
) -> tuple[FormulaRow, ...]:
    """
    The formula for every weighted operation of a source graph.

    Args:
        source: the graph as traced.
        rates: value name -> its activity, as a `RateMeter` on the same graph counted it.
        steps: T, steps per sample; their mean where samples differ.
        published: a paper's table whose rows replace the formula.

    Returns:
        One row per module and kind of operation, in order.
    """
    groups: dict[tuple[str, str], list[Operation]] = {}
    for operation in operations(source):
        groups.setdefault((operation.module, operation.kind), []).append(operation)
    return tuple(_row(group, rates, steps, published) for group in groups.values())


def _row(
    group: Sequence[Operation], rates: Rates, steps: int | Fraction, published: PublishedTable | None
) -> FormulaRow:
    ac = [operation for operation in group if not operation.analog]
    mac = [operation for operation in group if operation.analog]
    real = sum(operation.real for operation in group)
    weighted = sum((firing(operation, rates) * operation.real for operation in group), Fraction(0))
    rate = weighted / real if real else Fraction(0)
    name, flops, charged_ac, charged_mac = _charged(group, rates, steps, rate, published)
    return FormulaRow(
        module=group[0].module,
        kind=group[0].kind,
        published=name,
        flops=flops,
        real_flops=real,
        rate=rate,
        charged_ac=charged_ac,
        charged_mac=charged_mac,
        real_ac=sum((firing(item, rates) * item.real * item.times(steps) for item in ac), Fraction(0)),
        real_mac=Fraction(sum(item.real * item.times(steps) for item in mac)),
        spikes=sum((_mean(item, rates) * item.real * item.times(steps) for item in ac), Fraction(0)),
        both_spike=any(len(item.operands) > 1 for item in ac),
    )


def _charged(
    group: Sequence[Operation], rates: Rates, steps: int | Fraction, rate: Fraction, published: PublishedTable | None
) -> tuple[str, int, Fraction, Fraction]:
    """(name of the published row, operations per step, accumulations, multiplications) that are charged per sample."""
    if published is None:
        ac = (firing(item, rates) * item.formula * item.times(steps) for item in group if not item.analog)
        mac = sum(item.formula * item.times(steps) for item in group if item.analog)
        return "", sum(item.formula for item in group), sum(ac, Fraction(0)), Fraction(mac)
    row = published.row(group[0].module, group[0].kind)
    if row is None:
        return MISSING, 0, Fraction(0), Fraction(0)
    flops = row.flops(group)
    return row.name, flops, *row.charge(steps, rate, flops)


def firing(operation: Operation, rates: Rates) -> Fraction:
    """The rate that drives an operation: the mean over its operands."""
    return sum((rates[name].firing for name in operation.operands), Fraction(0)) / len(operation.operands)


def _mean(operation: Operation, rates: Rates) -> Fraction:
    """Mean spikes per element of the operands."""
    return sum((rates[name].mean for name in operation.operands), Fraction(0)) / len(operation.operands)


@dataclass(frozen=True)
class TableRow:
    """One row of a published energy table with this network's numbers: operations per step, rate, energy per sample."""

    name: str
    formula: str
    flops: int
    real_flops: int
    rate: Fraction
    energy_pj: Fraction

    @property
    def differs(self) -> bool:
        """Whether the published operation count is not the real one."""
        return self.flops != self.real_flops


def table_rows(rows: Sequence[FormulaRow], published: PublishedTable, profile: Profile) -> tuple[TableRow, ...]:
    """The published table row by row; what it leaves out follows at the end, one row per module, under MISSING."""
    named: Mapping[str, str] = {row.name: row.formula for row in published.rows}
    table = [_table_row(name, named[name], [r for r in rows if r.published == name], profile) for name in named]
    left_out = [row for row in rows if row.published == MISSING and row.real_flops]
    missing = [_table_row(f"{MISSING}: {row.module}", "", [row], profile) for row in left_out]
    return tuple(row for row in table + missing if row is not None)


def _table_row(name: str, formula: str, rows: Sequence[FormulaRow], profile: Profile) -> TableRow | None:
    """The rows of one name together, or None where the network has no such layer."""
    if not rows:
        return None
    real = sum(row.real_flops for row in rows)
    weighted = sum((row.rate * row.real_flops for row in rows), Fraction(0))
    energy = sum((row.energy_pj(profile) for row in rows), Fraction(0))
    return TableRow(
        name, formula, sum(row.flops for row in rows), real, weighted / real if real else Fraction(0), energy
    )
