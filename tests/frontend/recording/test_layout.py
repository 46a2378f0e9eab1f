"""Random chains of views, tracked against torch: what the graph computes is what torch computes."""

from __future__ import annotations

from math import prod

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from frontend.recording.layout import BATCH, FEATURE, TIME, Axis, View, regroup
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret

torch.set_num_threads(1)
STEPS = 2


class Chain(nn.Module):
    """Applies view functions, given as (name, arguments); then puts a constant on so that the axes must be found again."""

    def __init__(self, calls: list[tuple[str, tuple[object, ...]]]) -> None:
        super().__init__()
        self.calls = calls

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name, arguments in self.calls:
            x = getattr(x, name)(*arguments)
        return x * torch.arange(1.0, x.shape[-1] + 1)


@st.composite
def chains(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[str, tuple[object, ...]]]]:
    """Feature sizes and calls that rearrange features; sizes use -1 so that they fit every batch."""
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 4, 6]), min_size=1, max_size=3)))
    features, calls = list(shape), []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["permute", "reshape", "unsqueeze", "transpose"]))
        if kind == "permute":
            order = draw(st.permutations(range(len(features))))
            calls.append(("permute", (0, 1, *(k + 2 for k in order))))
            features = [features[k] for k in order]
        elif kind == "reshape":
            features = _factors(draw, prod(features))
            calls.append(("reshape", (STEPS, -1, *features)))
        elif kind == "unsqueeze":
            place = draw(st.integers(0, len(features)))
            calls.append(("unsqueeze", (place + 2,)))
            features.insert(place, 1)
        else:
            a, b = (draw(st.integers(0, len(features) - 1)) for _ in range(2))
            calls.append(("transpose", (a + 2, b + 2)))
            features[a], features[b] = features[b], features[a]
    return shape, calls


def _factors(draw: st.DrawFn, total: int) -> list[int]:
    sizes = []
    for _ in range(draw(st.integers(0, 2))):
        size = draw(st.sampled_from([k for k in range(1, total + 1) if total % k == 0]))
        sizes.append(size)
        total //= size
    return [*sizes, total]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(chains())
def test_chains_of_views(case: tuple[tuple[int, ...], list[tuple[str, tuple[object, ...]]]]) -> None:
    shape, calls = case
    net = Chain(calls).eval()
    x = torch.arange(float(STEPS * 4 * prod(shape))).reshape(STEPS, 4, *shape)
    graph = trace_module(net, {"x": x}, [], STEPS, "chain")
    np.testing.assert_array_equal(interpret(graph, {"x": x.numpy()})["output"], net(x).numpy())


def view(*shape: int) -> View:
    features = tuple((Axis(FEATURE, size, (place,)),) for place, size in enumerate(shape))
    return View("x", ((Axis(TIME, 2),), (Axis(BATCH, 3),), *features))


@given(st.lists(st.sampled_from([2, 3, 4, 5]), min_size=1, max_size=3), st.data())
def test_regrouping_keeps_every_axis(sizes: list[int], data: st.DataObject) -> None:
    before = view(*sizes)
    after = regroup(before, (6, *_factors(data.draw, prod(sizes))))
    assert prod(axis.size for axis in after.features) == prod(sizes)
    assert after.ranks == sorted(after.ranks)
    assert [axis.kind for axis in after.dims[0]] == [TIME, BATCH]


@pytest.mark.parametrize("shape", [(3, 2, 4), (2, 12), (4, 6), (24,)])
def test_time_and_batch_are_never_cut(shape: tuple[int, ...]) -> None:
    if shape in ((2, 12), (24,)):
        regroup(view(4), shape)
        return
    with pytest.raises(CompileError, match="axis"):
        regroup(view(4), shape)


def test_views_cost_no_nodes() -> None:
    net = Chain([("transpose", (2, 3)), ("unsqueeze", (2,)), ("squeeze", (2,)), ("transpose", (2, 3))]).eval()
    graph = trace_module(net, {"x": torch.ones(STEPS, 2, 3, 4)}, [], STEPS, "chain")
    assert [node.op.kind for node in graph.nodes.values()] == ["input", "scale"]
