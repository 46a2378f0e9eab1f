"""Comparisons are counted module by module, those inside of a framework's neurons apart, and found again by their place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import Tensor, nn

from frontend.recording.layout import BATCH, FEATURE, TIME, Axis
from frontend.tracing.written.fired import FiredRecord, site_path


@pytest.mark.parametrize(
    ("ordinals", "total", "path"),
    [
        ([0, 1, 2], 3, "a.b"),
        ([0, 2, 4], 6, "a.b.fires[0::2]"),
        ([1, 3, 5], 6, "a.b.fires[1::2]"),
        ([3], 4, "a.b.fires[3::4]"),
        ([0, 1, 3], 4, None),
    ],
)
def test_a_place_is_a_first_comparison_and_a_stride(ordinals: list[int], total: int, path: str | None) -> None:
    assert site_path("a.b", ordinals, total) == path
    if path is not None:
        assert site_path("", ordinals, total) == path.removeprefix("a.b").removeprefix(".")


@pytest.mark.parametrize(("ordinals", "path"), [([0, 1, 2], "a.fires[0::1]~"), ([1], "a.fires[1::3]~")])
def test_the_complement_of_spikes_is_marked(ordinals: list[int], path: str) -> None:
    assert site_path("a", ordinals, 3, below=True) == path


@pytest.mark.parametrize(
    ("ordinals", "taken", "told"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], "a"),
        ([0, 1], [2, 3], "a.fires[0::1]#2:4:1"),
        ([1, 3], [1, 3], "a.fires[1::2]#1:4:2"),
        ([2], [0], "a.fires[2::4]#0:1:1"),
        ([0, 1, 2], [0, 1, 3], None),
        ([0, 1], [2, 1], None),
    ],
)
def test_steps_that_are_left_out_are_said(ordinals: list[int], taken: list[int], told: str | None) -> None:
    dims = ((Axis(BATCH, 2),), (Axis(FEATURE, 3, (0,)),))
    assert site_path("a", ordinals, 4, dims=dims, steps=4, taken=taken) == told


class Inner(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x > 1.0).float()


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.lif = Inner(), neuron.LIFNode()

    def forward(self, x: Tensor) -> Tensor:
        for step in x:
            total = (step > 0.0).float() + self.inner(step)
            total = self.lif(total) + (step >= 0.5)
        return total


def test_comparisons_are_found_again() -> None:
    net, x = Outer(), torch.tensor([[0.25, 1.5], [0.75, -1.0], [0.0, 0.5]])
    record = FiredRecord(net)
    handles = record.watch()
    with record:
        net(x)
    for handle in handles:
        handle.remove()
    below = ("inner.fires[0::1]~", x <= 1)
    for path, level in (("fires[0::2]", x > 0), ("fires[1::2]", x >= 0.5), ("inner", x > 1), below):
        spikes = record.spikes(path, 3)
        assert spikes is not None
        assert torch.equal(spikes, level.float())
    assert record.spikes("lif", 3) is None
    assert record.spikes("elsewhere", 3) is None


TIME_AXIS, BATCH_AXIS, FEATURES = Axis(TIME, 4), Axis(BATCH, 3), Axis(FEATURE, 5, (0,))


@pytest.mark.parametrize(
    ("dims", "told", "shape"),
    [
        (((TIME_AXIS,), (BATCH_AXIS,), (FEATURES,)), "", (4, 3, 5)),
        (((TIME_AXIS, BATCH_AXIS), (FEATURES,)), "", (12, 5)),
        (((BATCH_AXIS,), (TIME_AXIS,), (FEATURES,)), "@b,t", (3, 4, 5)),
        (((BATCH_AXIS,), (FEATURES,), (TIME_AXIS,)), "@b,*,t", (3, 5, 4)),
        (((BATCH_AXIS, TIME_AXIS), (), (FEATURES,)), "@b.t", (12, 1, 5)),
        (((TIME_AXIS,), (BATCH_AXIS, FEATURES)), "@t,b.5", (4, 15)),
    ],
)
def test_an_unusual_layout_is_told_and_undone(dims: tuple[Any, ...], told: str, shape: tuple[int, ...]) -> None:
    path = site_path("", [0], 1, dims=dims)
    assert path == (f"fires[0::1]{told}" if told else "")
    x = torch.rand(4, 3, 5)
    axes = [axis.kind for dim in dims for axis in dim]
    given = x.permute(*((TIME, BATCH, FEATURE).index(kind) for kind in axes)).reshape(shape)

    class Compares(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x > 0.5

    net = Compares()
    record = FiredRecord(net)
    handles = record.watch()
    with record:
        net(given)
    for handle in handles:
        handle.remove()
    spikes = record.spikes(path, 4)
    assert spikes is not None
    assert torch.equal(spikes.reshape(4, 3, 5), (x > 0.5).float())
