"""What poolings cost, against counts by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple

import pytest
import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from compile import compile_model
from compile.command.screen import Screen
from compile.compiled_program import CompiledProgram
from compile.measure.pooling import pooling_costs
from compile.report.report_text import report_text

X = (torch.rand(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float()


def on_frames(layer: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    return layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Net(nn.Module):
    """Two channels of 4 x 4; `pool` says what lies between the convolutions and the neurons."""

    def __init__(self, pool: Callable[[Net, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
        self.window, self.wide = nn.MaxPool2d(2), nn.MaxPool2d(3, 1, 1)
        self.a, self.b, self.out = (LIFNode(step_mode="m") for _ in range(3))
        for weight in self.parameters():
            weight.data = torch.round(weight * 24) / 8
        self.pool = pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(self, x)


def of_spikes(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.out(on_frames(net.second, on_frames(net.window, net.a(on_frames(net.first, x)))))


def of_counts(net: Net, x: torch.Tensor) -> torch.Tensor:
    counts = net.a(on_frames(net.first, x)) + net.b(on_frames(net.second, x))
    return net.out(on_frames(net.first, on_frames(net.window, counts)))


def of_currents(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.out(on_frames(net.window, on_frames(net.first, x)))


def one_module_twice(net: Net, x: torch.Tensor) -> torch.Tensor:
    spikes = net.a(on_frames(net.window, on_frames(net.first, x)))
    return net.out(on_frames(net.window, on_frames(net.second, spikes)))


def with_padding(net: Net, x: torch.Tensor) -> torch.Tensor:
    return net.out(on_frames(net.second, on_frames(net.wide, net.a(on_frames(net.first, x)))))


CHAIN = "analog-max-pool=chain"
COSTS = {
    of_spikes: [("window", "out", "max-pool=or", 0, 0, 8, 32, 1)],
    of_counts: [("window", "out", "max-pool=or", 0, 64, 16, 128 + 64, 2)],
    of_currents: [("window", "out", CHAIN, 32 + 8 * 3, 0, 0, 8 * 10, 4)],
    one_module_twice: [
        ("window", "a", CHAIN, 32 + 8 * 3, 0, 0, 8 * 10, 4),
        ("window", "out", CHAIN, 8 + 2 * 3, 0, 0, 2 * 10, 4),
    ],
    with_padding: [("wide", "out", "max-pool=or", 0, 0, 32, 2 * (4 * 9 + 8 * 6 + 4 * 4), 1)],
}


def compiled(pool: Callable[[Net, torch.Tensor], torch.Tensor], precision: str = "int") -> CompiledProgram:
    return compile_model(Net(pool), target="gpu", precision=precision, example=X)


@pytest.mark.parametrize("pool", COSTS, ids=lambda pool: pool.__name__)
def test_neurons_synapses_and_steps(pool: Callable[[Net, torch.Tensor], torch.Tensor]):
    costs = pooling_costs(compiled(pool).deployment)
    assert [astuple(cost) for cost in costs] == COSTS[pool]


def test_a_network_without():
    assert pooling_costs(compiled(lambda net, x: net.a(on_frames(net.first, x))).deployment) == ()


def test_floats_take_maxima_at_once():
    (cost,) = pooling_costs(compiled(of_currents, "float").deployment)
    assert (cost.relays, cost.latency) == (8, 1)


def test_the_report_says_it():
    report = compiled(one_module_twice).report()
    line = "pooling  Net: window (analog-max-pool=chain): 56 relays, 80 synapses, 4 steps of latency"
    assert line in report_text(report, Screen(120)).splitlines()
    first, second = report.plain()["parts"][0]["poolings"]
    assert (first["layer"], first["neurons"], second["synapses"]) == ("a", 56, 20)
    pandas = pytest.importorskip("pandas")
    frame = report.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame[["pooling_neurons", "pooling_synapses", "pooling_latency"]].to_numpy().tolist() == [
        [56, 80, 4],
        [14, 20, 4],
    ]
