"""
Energy tables as their papers print them: rows by name, with the operation counts of the paper, right or wrong.

A row belongs to operations of the source network by module path and kind. What no row names, the published table leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from compile.energy.operations import Operation

Flops = Callable[[Sequence[Operation]], int]


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

    def covers(self, module: str, kind: str) -> bool:
        """Whether the operations of this kind in this module are the row's."""
        return kind in self.kinds and re.search(self.modules, module) is not None


@dataclass(frozen=True)
class PublishedTable:
    """A paper's energy table: E = E_AC T R FL in every row."""

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


def _row(name: str, modules: str, kind: str, formula: str, flops: Flops) -> PublishedRow:
    return PublishedRow(name, rf"(^|\.)({modules})$", frozenset({kind}), formula, flops)


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

PUBLISHED_TABLES: Mapping[str, PublishedTable] = {"cmsf": CMSF_TABLE_4}
"""Name -> table."""
