"""
What the papers calculate: the formula E = E_AC T R FL per source layer, from measured rates and counted operations.

Where no operand spikes it is E_MAC FL for every step, once per window where the operand is static. A published table is another
thing: its own rows, as the paper charges them, and what it leaves out costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.operations import Operation, operations
from compile.energy.formula.published import PublishedTable
from compile.energy.formula.rates import Rates
from ir.graph import Graph
from ir.profile import Profile

MISSING = "not in the table"


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
    charged: ArithmeticWork
    """What the formula or row charges, rate included."""
    real: ArithmeticWork
    """The same with the real operation count, multiplications where no operand spikes."""
    spikes: Fraction
    """The real accumulations with every spike counted, where an element of a residual sum is several."""
    both_spike: bool
    """Whether it is a product of spikes by spikes, of ANDs."""


def formula_rows(
    source: Graph, rates: Rates, steps: int | Fraction, published: PublishedTable | None = None
) -> tuple[FormulaRow, ...]:
    """
    The formula for every weighted operation of a source graph.

    Args:
        source: the graph as traced.
        rates: value name -> its activity, as a `RateMeter` on the same graph counted it.
        steps: T, steps per sample; their mean where samples differ.
        published: a paper's table, for its rows in place of the formula's.

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
    name, flops, charged = _charged(group, rates, steps, rate, published)
    return FormulaRow(
        module=group[0].module,
        kind=group[0].kind,
        published=name,
        flops=flops,
        real_flops=real,
        rate=rate,
        charged=charged,
        real=ArithmeticWork(
            sum((firing(item, rates) * item.real * item.times(steps) for item in ac), Fraction(0)),
            Fraction(sum(item.real * item.times(steps) for item in mac)),
        ),
        spikes=sum((_mean(item, rates) * item.real * item.times(steps) for item in ac), Fraction(0)),
        both_spike=any(len(item.operands) > 1 for item in ac),
    )


def _charged(
    group: Sequence[Operation], rates: Rates, steps: int | Fraction, rate: Fraction, published: PublishedTable | None
) -> tuple[str, int, ArithmeticWork]:
    """(name of the published row, operations per step, what is charged per sample)."""
    if published is None:
        ac = (firing(item, rates) * item.formula * item.times(steps) for item in group if not item.analog)
        mac = sum(item.formula * item.times(steps) for item in group if item.analog)
        return "", sum(item.formula for item in group), ArithmeticWork(sum(ac, Fraction(0)), Fraction(mac))
    row = published.row(group[0].module, group[0].kind)
    if row is None:
        return MISSING, 0, ArithmeticWork()
    flops, window = row.flops(group), max(item.window(steps) for item in group)
    return row.name, flops, ArithmeticWork(*row.charge(window, rate, flops))


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
    energy = sum((row.charged.energy_pj(profile) for row in rows), Fraction(0))
    return TableRow(
        name, formula, sum(row.flops for row in rows), real, weighted / real if real else Fraction(0), energy
    )
