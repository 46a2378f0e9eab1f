"""The table is complete: everything that may lie between neurons has a row, and every choice a cost."""

from __future__ import annotations

import pytest

from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.lowerings.table import BY_FAMILY, BY_KIND, LOWERINGS, Strategy
from ir.ops import OPS, Function, Input, Lif
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.verify import LEVELS

BY_OPERANDS = {
    "mul": ("mask", "gate"),
    "max_pool": ("max-pool", "analog-max-pool", "float-max-pool"),
    "matmul": ("attention", "matmul", "count-matmul", "analog-matmul"),
    "delay": ("delay", "analog-delay"),
    "past": ("loop", "integer-loop", "analog-loop"),
    "lif": ("neuron", "integer-spikes"),
    "linear": ("projection", "chain"),
}


@pytest.mark.parametrize("kind", sorted(LEVELS["spiking"]))
def test_every_spiking_operation_has_a_row(kind: str):
    row = BY_KIND.get(kind) or BY_FAMILY.get(OPS[kind].family)
    assert row in LOWERINGS or kind in BY_OPERANDS


def test_every_row_is_named_by_a_kind_or_family():
    named = {*BY_KIND.values(), *BY_FAMILY.values(), *(row for rows in BY_OPERANDS.values() for row in rows)}
    assert named == set(LOWERINGS)


@pytest.mark.parametrize("row", sorted(LOWERINGS))
def test_choices_have_costs_and_features_have_hints(row: str):
    strategies: list[Strategy] = list(LOWERINGS[row].values())
    assert len(strategies) == 1 or all(strategy.cost for strategy in strategies)
    assert all(strategy.hint for strategy in strategies if strategy.needs)


def test_an_operation_without_a_row_is_an_error():
    builder = GraphBuilder("padded", 1)
    x = builder.add(Function("square"), builder.add(Input("spike[3]"), name="x"), name="square")
    graph = builder.build({"y": builder.add(Lif(0.5), x, name="y")})
    with pytest.raises(CompileError, match=r"%square: function has no lowering\n.*before the first neurons"):
        lower_to_synapses(graph, None, {})  # pyright: ignore[reportArgumentType]
