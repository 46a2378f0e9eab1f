"""Plans of comparisons: their sums are the maxima, and chains have the fewest synapses, trees the least latency."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional

from ir.graph import Array
from ir.lowerings.maxima import INPUTS, MaximaPlan, Order, Terms, as_chain, as_tree, maxima_plan, window_taps
from ir.ops import MaxPool

POOLS = {
    "2x2": MaxPool((2, 2), (2, 2), (0, 0), (1, 1)),
    "overlapping": MaxPool((3, 3), (2, 2), (1, 1), (1, 1)),
    "dilated": MaxPool((2, 3), (1, 2), (1, 0), (2, 1)),
    "cut short": MaxPool((3, 2), (3, 2), (0, 0), (1, 1), (1, 0)),
    "single": MaxPool((1, 1), (2, 1), (0, 0), (1, 1)),
}
SIZES = (8, 6)


def _summed(terms: Terms, values: list[Array]) -> Array:
    return sum(np.where(term.elements < 0, 0, values[term.source][term.elements]) for term in terms)  # type: ignore[return-value]


def _followed(plan: MaximaPlan, x: Array) -> Array:
    values = [x]
    for step in plan.comparisons:
        values.append(np.maximum(0, _summed(step.larger, values) - _summed(step.smaller, values)))
    return _summed(plan.maximum, values)


@pytest.mark.parametrize(("name", "order"), product(POOLS, (as_chain, as_tree)))
def test_following_a_plan_gives_torch_s_maxima(name: str, order: Order):
    op, x = POOLS[name], np.random.default_rng(0).integers(-9, 9, SIZES)
    padded = functional.pad(torch.tensor(x)[None].double(), (0, 0, 0, (op.extra or (0,))[0]), value=-torch.inf)
    expected = functional.max_pool2d(padded, op.kernel, op.stride, op.padding, op.dilation)
    np.testing.assert_array_equal(_followed(maxima_plan(op, SIZES, order), x.ravel()), expected.numpy().ravel())


@pytest.mark.parametrize("name", POOLS)
def test_a_chain_of_w_taps_has_a_relay_less_and_3_w_minus_2_synapses(name: str):
    taps = (window_taps(POOLS[name], SIZES) >= 0).sum(axis=0)
    plan = maxima_plan(POOLS[name], SIZES, as_chain)
    assert plan.relays == np.sum(taps - 1)
    assert plan.synapses == np.sum(3 * taps - 2)


def _latency(plan: MaximaPlan) -> int:
    depth = {INPUTS: 0}
    for place, step in enumerate(plan.comparisons):
        depth[place + 1] = 1 + max(depth[term.source] for term in (*step.larger, *step.smaller))
    return max(depth.values())


def test_counted_by_hand_for_windows_of_nine():
    op = MaxPool((3, 3), (3, 3), (0, 0), (1, 1))
    chain, tree = (maxima_plan(op, (3, 3), order) for order in (as_chain, as_tree))
    assert (chain.relays, chain.synapses, _latency(chain)) == (8, 25, 8)
    assert (tree.relays, tree.synapses, _latency(tree)) == (8, 29, 4)


def test_taps_on_padding_come_first():
    assert window_taps(MaxPool((3,), (2,), (1,), (1,)), (4,)).tolist() == [[-1, 1], [0, 2], [1, 3]]
