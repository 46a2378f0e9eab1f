"""The import check passes on faithful graphs and finds every kind of unfaithful one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn

from frontend.tracing.import_check import MEMBRANE_ULPS, check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops import Lif
from models import cmsf
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features, set_firing_rates

torch.set_num_threads(1)
STEPS = 4


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 8)
        self.b.weight.data.mul_(6)
        self.first, self.second = LIFNode(step_mode="m"), IFNode(step_mode="m", v_reset=None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.b(self.first(self.a(x))))


def net_and_graph() -> tuple[Net, Graph, dict[str, torch.Tensor]]:
    net = Net().eval()
    inputs = {"x": torch.randn(STEPS, 32, 6, generator=torch.Generator().manual_seed(1)) * 4}
    return net, trace_module(net, inputs, [], STEPS, "net"), inputs


def test_cmsf_passes_with_every_layer_compared() -> None:
    config = CmsfConfig(N=6, L=6, D=16, F=24, region_features=10, word_features=8, heads=4, combs=3)
    inputs = random_features(config, samples=16, seed=3)
    for part, module in initial_parts(config, 1).items():
        set_firing_rates(module, inputs[part])
        graph = trace_module(module, inputs[part], cmsf.STATIC_INPUTS, 2, part)
        check = check_import(module, graph, inputs[part])
        neurons = [node for node in graph.nodes.values() if isinstance(node.op, Lif)]
        assert [layer.module for layer in check.layers] == [node.provenance.module for node in neurons]
        assert check.compared == sum(2 * 16 * node.type.size for node in neurons)
        assert check.samples == 16
        assert check.within_rounding <= 2
        assert "equal on 16 samples" in check.text()


def test_a_faithful_graph_passes() -> None:
    net, graph, inputs = net_and_graph()
    check = check_import(net, graph, inputs)
    assert check.compared == STEPS * 32 * (16 + 8)
    assert check.output_difference == 0


def with_param(graph: Graph, name: str, array: np.ndarray) -> Graph:
    return Graph(graph.name, graph.steps, graph.nodes, graph.outputs, {**graph.params, name: array})


def with_op(graph: Graph, name: str, **changes: object) -> Graph:
    node = graph.nodes[name]
    changed = replace(node, op=replace(node.op, **changes))
    return Graph(graph.name, graph.steps, {**graph.nodes, name: changed}, graph.outputs, graph.params)


def test_a_wrong_weight_is_found_at_its_layer() -> None:
    net, graph, inputs = net_and_graph()
    broken = with_param(graph, "b.weight", graph.params["b.weight"] * np.float32(1.2))
    with pytest.raises(CompileError, match="%second differs from the module") as caught:
        check_import(net, broken, inputs)
    assert caught.value.rule == "import.mismatch"
    assert caught.value.where == "second"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("first", {"threshold": 1.1}),
        ("first", {"decay": 0.4}),
        ("first", {"reset": "subtract"}),
        ("second", {"reset": "value"}),
    ],
)
def test_a_wrong_neuron_is_found(name: str, changes: dict[str, object]) -> None:
    net, graph, inputs = net_and_graph()
    with pytest.raises(CompileError, match=f"%{name} differs"):
        check_import(net, with_op(graph, name, **changes), inputs)


class Integers(nn.Module):
    """Every current is an integer or half of one, so that ties are everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.lif = LIFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(x)


def test_a_tie_that_goes_the_other_way_is_counted_as_rounding() -> None:
    net = Integers().eval()
    x = torch.full((STEPS, 3, 5), 2.0)
    graph = with_op(trace_module(net, {"x": x}, [], STEPS, "net"), "lif", comparator=">")
    assert check_import(net, graph, {"x": x}).within_rounding == STEPS * 3 * 5
    eps = float(torch.finfo(torch.float32).eps)
    with pytest.raises(CompileError, match="differs"):
        check_import(net, with_op(graph, "lif", threshold=1.0 + MEMBRANE_ULPS * 4 * eps), {"x": x})


def test_a_changed_output_is_found() -> None:
    class Scaled(Integers):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lif(x) * 0.5

    net, x = Scaled().eval(), torch.full((STEPS, 3, 5), 2.0)
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    with pytest.raises(CompileError, match=r"output output differs from the module by 0\.01"):
        check_import(net, with_op(graph, "mul", factor=0.51), {"x": x})


def test_a_batch_size_that_leaks_into_the_numbers_is_found() -> None:
    class Leak(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / x.shape[1]

    net, x = Leak().eval(), torch.rand(STEPS, 8, 5)
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    with pytest.raises(CompileError, match="batch size"):
        check_import(net, graph, {"x": x})


def test_a_layer_that_no_output_needs_is_reported() -> None:
    class Unused(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            hidden = self.first(self.a(x))
            self.second(self.b(hidden))
            return hidden

    net, x = Unused().eval(), torch.rand(STEPS, 8, 6)
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    with pytest.raises(CompileError, match="lacks the neuron layer second"):
        check_import(net, graph, {"x": x})


def _psn(weight: torch.Tensor, flat: bool) -> Callable[[torch.Tensor], torch.Tensor]:
    """Parallel spiking neurons: a matrix over the steps, then a threshold."""

    def run(x: torch.Tensor) -> torch.Tensor:
        h = torch.addmm(torch.full((len(weight), 1), -0.5), weight, x.flatten(1))
        return (h >= 0).float().view(x.shape) if flat else (h.view(x.shape) >= 0).float()

    return run


STEPS = 7
MIXED = torch.randn(STEPS, STEPS, generator=torch.Generator().manual_seed(1))
WHOLE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "(B, T, C)": lambda x: (x.transpose(0, 1) > 0.5).float().transpose(0, 1),
    "(B, C, T)": lambda x: (x.permute(1, 2, 0) > 0.5).float().permute(2, 0, 1),
    "(C, B, T)": lambda x: (x.permute(2, 1, 0) > 0.5).float().permute(2, 1, 0),
    "(T B, C)": lambda x: (x.flatten(0, 1) > 0.5).float().unflatten(0, (STEPS, -1)),
    "(B T, C)": lambda x: (x.transpose(0, 1).flatten(0, 1) > 0.5).float().unflatten(0, (-1, STEPS)).transpose(0, 1),
    "step by step, (C, B)": lambda x: torch.stack([(step.t() > 0.5).float().t() for step in x]),
    "parallel spiking neurons": _psn(MIXED, flat=False),
    "parallel spiking neurons, flattened": _psn(MIXED.tril(), flat=True),
    "rates": lambda x: ((x > 0.5).float().mean(0) >= 3 / STEPS).float(),
    "rates, (C, B)": lambda x: ((x > 0.5).float().sum(0).t() > 3).float(),
    "scores": lambda x: torch.where(torch.sigmoid((x > 0.5).float().mean(0)) > 0.6, 1.0, -1.0),
}


@pytest.mark.parametrize("way", WHOLE)
def test_spikes_are_compared_in_the_layout_that_they_have(way: str) -> None:
    class Layout(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(5, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return WHOLE[way](self.fc(x))

    torch.manual_seed(0)
    net, inputs = Layout().eval(), {"x": torch.randn(STEPS, 6, 5) * 2}
    graph = trace_module(net, inputs, [], STEPS, "net")
    check = check_import(net, graph, inputs)
    assert check.compared >= 6 * 4
    assert check.within_rounding == 0
    fired = next(node for node in reversed(graph.nodes.values()) if isinstance(node.op, Lif))
    wrong = replace(graph, nodes={**graph.nodes, fired.name: replace(fired, op=replace(fired.op, threshold=0.25))})
    with pytest.raises(CompileError, match="differs from the module"):
        check_import(net, wrong, inputs)
