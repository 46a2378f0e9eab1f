"""
CMSF's Tables 1 and 4 beside what the network has: read from its graph as traced, and as lowered, at the size of a configuration.

No rate is printed, so energies are those at R = 1. A fusion's attention is that of one direction; SCSA has one for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import nn

from compile.energy import PUBLISHED_TABLES, Rate
from compile.energy.formula.analytic import MISSING, FormulaRow, formula_rows
from compile.energy.formula.operations import operations
from frontend.tracing.trace import trace_module
from ir.graph import Graph
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features
from tests.published.counting import Count, Counts, count
from tests.reproduction.printed import millijoules

FUSIONS = ("sca", "scsa", "scca")
LINES = {
    "Region Linear": ("image", "Region Linear"),
    "Word Linear": ("text", "Word Linear"),
    "Q, K, V": ("image", "Q, K, V"),
    "SCA": ("sca", "SCA, SCSA"),
    "SCSA": ("scsa", "SCA, SCSA"),
    "SCCA": ("scca", "SCCA"),
    "Out Linear": ("image", "Out Linear"),
    "Gate Linear": ("image", "Gate Linear"),
    "Gate Multiply": ("image", "Gate Multiply"),
    MISSING: ("image", MISSING),
}
"""Row of Table 4 -> the part or fusion that it is about, and the row's name in the compiler's table."""
OTHER_DIRECTION = "block_t."


@dataclass(frozen=True)
class Line:
    """A row of Table 4: operations per step, and energies per sample at rate 1."""

    name: str
    flops: int
    """As the table counts them."""
    operations: int
    """As the network has them."""
    charged_mj: Fraction
    real_mj: Fraction
    """Multiplications where no operand spikes, once where it is static."""


@dataclass(frozen=True)
class Fusion:
    """What a fusion has between the spikes that it reads and its last projection, per step."""

    name: str
    projections: int
    """Operations of Q, K, and V where there is one."""
    between: int
    """Of products, or of sums and masks, as coded."""
    on_chip: int
    """The same in the order that the chip does."""
    held: int
    """Numbers that stand between the first of them and the second."""
    neurons: int
    """Of the attention, those that lowering adds included."""
    synapses: int
    """Of these neurons."""
    part: tuple[int, int, int]
    """Of the whole part, both directions: the model's neurons, synapses, and copies that residual sums add."""


def table_4(config: CmsfConfig) -> tuple[Line, ...]:
    """All rows, and what the table leaves out."""
    rows = {which: _formula_rows(config, which) for which in ("image", "text", *FUSIONS)}
    return tuple(_line(name, rows[which], published) for name, (which, published) in LINES.items())


def fusion(config: CmsfConfig) -> Fusion:
    """Of a configuration: as traced, and as lowered."""
    network, example = _part(config, config.fusion)
    counts = count(network, example, tuple(example), config.T)
    attention = "block.0.attn" if config.fusion == "scsa" else "block_i.0.attn"
    own = [item for item in operations(_traced(config, network, example)) if item.module.startswith(attention)]
    between = [item for item in own if item.kind != "linear"]
    as_coded, lowered = sum(item.real for item in between), _lowered(counts, attention)
    return Fusion(
        config.fusion,
        sum(item.real for item in own if re.search(r"[qkv]_linear$", item.module)),
        as_coded,
        counts.layers[f"{attention}.attn_lif"]["synapses"] or as_coded,
        between[0].result.size,
        lowered["neurons"],
        lowered["synapses"],
        (counts.total["neurons"], counts.total["synapses"], counts.total["duplicates"]),
    )


def _part(config: CmsfConfig, which: str) -> tuple[nn.Module, Mapping[str, torch.Tensor]]:
    """An encoder, or the part of a fusion."""
    name = "fusion" if which in FUSIONS else which
    config = replace(config, fusion=which) if which in FUSIONS else config
    return initial_parts(config, 0)[name], random_features(config, 1, 0)[name]


def _traced(config: CmsfConfig, network: nn.Module, example: Mapping[str, torch.Tensor]) -> Graph:
    return trace_module(network, example, tuple(example), config.T, "cmsf")


def _formula_rows(config: CmsfConfig, which: str) -> tuple[FormulaRow, ...]:
    """By the table, when everything fires in every step."""
    source = _traced(config, *_part(config, which))
    always = {name: Rate(1, 1, 1) for operation in operations(source) for name in operation.operands}
    rows = formula_rows(source, always, config.T, PUBLISHED_TABLES["cmsf"])
    return tuple(row for row in rows if not row.module.startswith(OTHER_DIRECTION))


def _line(name: str, rows: tuple[FormulaRow, ...], published: str) -> Line:
    own = [row for row in rows if row.published == published and row.real_flops]
    charged = sum((millijoules(row.charged) for row in own), Fraction(0))
    real = sum((millijoules(row.real) for row in own), Fraction(0))
    return Line(name, sum(row.flops for row in own), sum(row.real_flops for row in own), charged, real)


def _lowered(counts: Counts, attention: str) -> Count:
    """Neurons and synapses from the spikes of Q, K, V to what the last projection reads."""
    neurons, masks = counts.layers[f"{attention}.attn_lif"], counts.layers[attention]
    lowered = Count(neurons=neurons["neurons"], synapses=masks["synapses"])
    for kind, number in (neurons + counts.layers[f"{attention}.proj_lif"]).items():
        strategy, _, what = kind.rpartition(" ")
        lowered[what] += number if "=" in strategy else 0
    return lowered
