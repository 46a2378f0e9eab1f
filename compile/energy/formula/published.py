"""
Energy tables as their papers print them: rows by name, with the operation counts of the paper, right or wrong.

A row belongs to operations of the source network by module path and kind. What no row names, the published table leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compile.energy.formula.operations import Operation

Flops = Callable[[Sequence[Operation]], int]
Charge = Callable[[int | Fraction, Fraction, int], tuple[Fraction, Fraction]]
"""Function of T, the rate R, and FL: (accumulations, multiplications) that are charged per sample."""


def accumulated(steps: int | Fraction, rate: Fraction, flops: int) -> tuple[Fraction, Fraction]:
    """E_AC T R FL."""
    return steps * rate * flops, Fraction(0)


def multiplied(steps: int | Fraction, rate: Fraction, flops: int) -> tuple[Fraction, Fraction]:
    """E_MAC T FL: analog values, others at every step."""
    return Fraction(0), Fraction(steps * flops)


def multiplied_once(steps: int | Fraction, rate: Fraction, flops: int) -> tuple[Fraction, Fraction]:
    """E_MAC FL: analog values, the same at every step."""
    return Fraction(0), Fraction(flops)


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table."""

    name: str
    modules: str
    """Regular expression: the module paths of the operations that it is about."""
    kinds: frozenset[str]
    """Their kinds."""
    formula: str
    """The count as it is printed."""
    flops: Flops
    """The same as a function: operations of one module -> count per step."""
    charge: Charge = accumulated

    def covers(self, module: str, kind: str) -> bool:
        """Whether the operations of this kind in this module are the row's."""
        return kind in self.kinds and re.search(self.modules, module) is not None


@dataclass(frozen=True)
class PublishedTable:
    """A paper's energy table, or the rows that its formula makes."""

    source: str
    rows: tuple[PublishedRow, ...]

    def row(self, module: str, kind: str) -> PublishedRow | None:
        """The row about the operations of this kind in this module, or None where the paper has none."""
        return next((row for row in self.rows if row.covers(module, kind)), None)


def _dense(operations: Sequence[Operation]) -> int:
    """Tokens x inputs x outputs."""
    return sum(operation.real for operation in operations)


def _tokens_width_squared(operations: Sequence[Operation]) -> int:
    """N D^2 for the product that leaves the attention, of shape (heads, N, D / heads)."""
    heads, tokens, width = operations[-1].result.shape
    return tokens * (heads * width) ** 2


def _tokens(operations: Sequence[Operation]) -> int:
    """N for a sum over the tokens of each comb: operations on whole D-vectors count as one."""
    return sum(operation.real // operation.result.shape[-1] for operation in operations)


def _nothing(operations: Sequence[Operation]) -> int:
    return 0


def _taps(operations: Sequence[Operation]) -> int:
    """Every kernel tap at every output, on padding too; sums are operations, elementwise products none."""
    return sum(operation.formula for operation in operations)


def _row(name: str, modules: str, kind: str, formula: str, flops: Flops, charge: Charge = accumulated) -> PublishedRow:
    return PublishedRow(name, rf"(^|\.)({modules})$", frozenset({kind}), formula, flops, charge)


def _all(name: str, kinds: set[str], formula: str) -> PublishedRow:
    return PublishedRow(name, "", frozenset(kinds), formula, _taps)


def _spiking_but_the_first(
    source: str, first: str, formula: str, charge: Charge, *analog: PublishedRow
) -> PublishedTable:
    """The usual formula: the first convolution multiplies, as `analog` does; all others accumulate, whatever they really read."""
    rows = (
        _row("First convolution", first, "conv", formula, _taps, charge),
        *analog,
        _all("Convolutions, linear layers", {"conv", "linear"}, "T R FL"),
        _all("Attention products", {"matmul"}, "T R FL"),
        _all("Sums", {"sum", "synapse"}, "T R FL"),
        _all("Masks", {"mul"}, "0"),
    )
    return PublishedTable(source, rows)


CMSF_TABLE_4 = PublishedTable(
    source="CMSF supplement (arXiv 2603.26787), section C, Table 4",
    rows=(
        _row("Region Linear", r"(?<!spike_coder\.)linear", "linear", "N 2048 D", _dense),
        _row("Word Linear", "bert_linear", "linear", "N 768 D", _dense),
        _row("Q, K, V", r"attn\.[qkv]_linear", "linear", "3 N D^2", _dense),
        _row("SCA, SCSA", "attn", "matmul", "N D^2, (N + L) D^2", _tokens_width_squared),
        _row("SCCA", "attn", "sum", "N", _tokens),
        _row("SCCA", "attn", "mul", "N", _nothing),
        _row("Out Linear", r"attn\.proj_linear", "linear", "N D^2", _dense),
        _row("Gate Linear", r"mlp\.to_hidden_linear", "linear", "8 N D^2", _dense),
        _row("Gate Multiply", "mlp", "mul", "0", _nothing),
    ),
)

SPIKECLIP = _spiking_but_the_first(
    "SpikeCLIP (arXiv 2310.06488): E_AC T R FL, and E_MAC FL for the convolution of the image",
    r"patch_embed\.block0_conv",
    "FL",
    multiplied_once,
    _row("Embedded words", "redim", "linear", "FL", _taps, multiplied_once),  # of the transformer text encoder, ours
)
SNNERGY = _spiking_but_the_first(
    "SNNergy (arXiv 2602.00701) states no formula: that of spiking transformers, E_AC T R FL, E_MAC for the first layers",
    r"patch_embed1\.proj_conv",
    "T FL",
    multiplied,
)
TAAF = _spiking_but_the_first(
    "TAAF-SNN (arXiv 2505.14535) states no formula: that of spiking residual networks, E_AC T R FL, E_MAC for the first layers",
    r"(video|audio)\.conv1",
    "T FL",
    multiplied,
)

PUBLISHED_TABLES: Mapping[str, PublishedTable] = {
    "cmsf": CMSF_TABLE_4,
    "spikeclip": SPIKECLIP,
    "snnergy": SNNERGY,
    "taaf": TAAF,
}
"""Name -> table."""
