"""Products of counts: by ANDs of every pair of populations, or by payloads that the populations of one factor open."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Input, Lif, MatMul, Mul, Scale
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses


def product(left: int, right: int, op: Op | None = None, shapes: tuple[str, str] = ("3x4", "4x2")) -> Graph:
    """Sums of so many populations, divided by their number, multiplied."""
    b = GraphBuilder("counts", 2)

    def count(name: str, populations: int, shape: str) -> str:
        parts = [b.add(Input(f"spike[{shape}]"), name=f"{name}{k}") for k in range(populations)]
        whole = parts[0] if len(parts) == 1 else b.add(Add(), *parts, name=name)
        return b.add(Scale(1 / 4), whole, name=f"{name}_share")

    factors = count("a", left, shapes[0]), count("b", right, shapes[1])
    current = b.add(op or MatMul(), *factors, name="p")
    return b.build({"y": b.add(Lif(0.5, threshold=0.25), current, name="y")})


@pytest.mark.parametrize("strategy", ["and", "payloads"])
@pytest.mark.parametrize(("left", "right"), [(2, 1), (1, 3), (4, 4), (2, 3)])
def test_both_are_the_product(cmsf: SimpleNamespace, left: int, right: int, strategy: str):
    source = product(left, right)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {"count-matmul": strategy})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, left, samples=20))
    cost = cmsf.estimated(source, "p", strategy)
    assert cmsf.added_by(lowered, f"count-matmul={strategy}") == (cost.neurons, cost.synapses)


def test_the_cost_by_hand(cmsf: SimpleNamespace):
    """(3, 4) by (4, 2), counts of 2 and 3: 24 pairs; the left one as payloads would take 12 relays and 3 x 24 gates."""
    source = product(2, 3)
    ands, payloads = (cmsf.estimated(source, "p", strategy) for strategy in ("and", "payloads"))
    assert (ands.neurons, ands.synapses) == (6 * 24, 3 * 6 * 24)
    assert (payloads.neurons, payloads.synapses) == (8 + 2 * 24, 3 * 8 + 3 * 2 * 24)  # the right one is cheaper


def test_the_cheaper_is_taken_and_ands_where_no_spike_carries_a_payload(cmsf: SimpleNamespace):
    source = product(4, 4)
    for features, strategy in ((cmsf.LOIHI2, "payloads"), (cmsf.LOIHI1, "and")):
        assert cmsf.added_by(lower_to_synapses(source, features, {}), f"count-matmul={strategy}")[0] > 0


@pytest.mark.parametrize(
    ("op", "shapes", "row"), [(MatMul(), ("2x2", "2x2"), "count-matmul"), (Mul(), ("3", "3"), "mask")]
)
def test_too_many_products_are_refused_with_the_number(
    cmsf: SimpleNamespace, op: Op, shapes: tuple[str, str], row: str
):
    source = product(20, 13, op, shapes)
    with pytest.raises(
        DeployError, match="counts of 20 and 13 populations, which takes 260 products of spikes, limit 256"
    ) as caught:
        lower_to_synapses(source, cmsf.LOIHI1, {})
    assert caught.value.violations[0].rule == f"lower.{row}"
