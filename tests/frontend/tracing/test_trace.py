"""Whole modules: names, shared parts, constants, outputs, layers, and the text of errors."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.text import graph_text, parse_graph

torch.set_num_threads(1)
STEPS = 4


def traced(module: nn.Module, *shape: int, static: bool = False, spikes: bool = False) -> Graph:
    """The graph of a module with one input `x`, checked against the module on another batch, and through the text form."""
    rng = torch.Generator().manual_seed(0)
    whole = (8, *shape) if static else (STEPS, 8, *shape)
    x = torch.randn(whole, generator=rng)
    x = (x > 0).float() if spikes else x * 3
    module.eval()
    graph = trace_module(module, {"x": x[:2] if static else x[:, :2]}, ["x"] if static else [], STEPS, "net")
    check_import(module, graph, {"x": x})
    assert parse_graph(graph_text(graph), graph.params) == graph
    return graph


def kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes.values()]


class Forward(nn.Module):
    """A module whose forward is given, with named children."""

    def __init__(self, forward: Any, **children: Any) -> None:
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)
        self._forward = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self._forward(self, x)


def test_a_tensor_added_to_itself_keeps_both_operands() -> None:
    graph = traced(Forward(lambda net, x: net.lif(x + x), lif=LIFNode(step_mode="m")), 5, spikes=True)
    add = graph.nodes["add"]
    assert add.inputs == ("x", "x")
    assert str(add.type) == "count<2>[5]"


@pytest.mark.parametrize(
    "compute",
    [
        lambda net, x: net.lif(net.fc(x) + 1.0),
        lambda net, x: net.lif(net.fc(x) + net.shift),
        lambda net, x: net.lif(net.fc(x) * net.shift),
        lambda net, x: net.lif(net.fc(x) + net.factor * net.shift),
        lambda net, x: net.lif(net.factor * net.fc(x)),
    ],
)
def test_constants_are_never_dropped(compute: Any) -> None:
    children = {"fc": nn.Linear(5, 7), "lif": LIFNode(step_mode="m")}
    net = Forward(
        compute, **children, shift=nn.Parameter(torch.linspace(-1, 2, 7)), factor=nn.Parameter(torch.tensor(2.5))
    )
    assert len(kinds(traced(net, 5))) == 4


def test_a_module_used_twice_makes_two_nodes_with_one_weight() -> None:
    fc = nn.Linear(5, 5)
    net = Forward(
        lambda net, x: net.b(net.fc(net.a(net.fc(x)))), fc=fc, a=LIFNode(step_mode="m"), b=IFNode(step_mode="m")
    )
    graph = traced(net, 5)
    assert list(graph.nodes) == ["x", "fc", "a", "fc_2", "b"]
    assert graph.nodes["fc"].params == graph.nodes["fc_2"].params == (("weight", "fc.weight"), ("bias", "fc.bias"))
    assert set(graph.params) == {"fc.weight", "fc.bias"}


def test_a_module_under_two_names_has_its_first_name() -> None:
    fc = nn.Linear(5, 5)
    graph = traced(Forward(lambda net, x: net.second(net.first(x)), first=fc, second=fc), 5)
    assert [node.provenance.module for node in graph.nodes.values()] == ["", "first", "first"]


def test_a_neuron_reset_inside_forward_may_run_twice() -> None:
    def forward(net: Forward, x: torch.Tensor) -> torch.Tensor:
        y = net.lif(x)
        functional.reset_net(net)
        return net.lif(y + x)

    graph = traced(Forward(forward, lif=LIFNode(step_mode="m")), 5)
    assert [node.name for node in graph.nodes.values() if node.op.kind == "lif"] == ["lif", "lif_2"]


Pair = namedtuple("Pair", ("left", "right"))


@pytest.mark.parametrize(
    ("compute", "names"),
    [
        (lambda net, x: x * 2, ["output"]),
        (lambda net, x: (x * 2, x * 3), ["output0", "output1"]),
        (lambda net, x: {"a": x * 2, "b": x}, ["a", "b"]),
        (lambda net, x: Pair(x * 2, x * 3), ["left", "right"]),
    ],
)
def test_outputs_are_named(compute: Any, names: list[str]) -> None:
    assert list(traced(Forward(compute), 3).outputs) == names


def test_domains_follow_the_example() -> None:
    assert str(traced(Forward(lambda net, x: x), 3, spikes=True).nodes["x"].type) == "spike[3]"
    assert str(traced(Forward(lambda net, x: x), 3).nodes["x"].type) == "real[3]"
    assert str(traced(Forward(lambda net, x: x), 3, static=True).nodes["x"].type) == "real[3] static"


def test_names_fit_the_text_form() -> None:
    net = nn.Module()
    net.add_module("odd name (50%), ö", nn.Linear(3, 3))
    net.forward = lambda x: next(net.children())(x)  # pyright: ignore[reportAttributeAccessIssue]
    graph = trace_module(net.eval(), {"x": torch.rand(STEPS, 2, 3)}, [], STEPS, "net")
    assert list(graph.nodes) == ["x", "odd_name__50_____"]


def test_a_spiking_convolutional_network() -> None:
    """As SpikingJelly's users write them: its layers in multi-step mode, in nn.Sequential."""
    net = nn.Sequential(
        layer.Conv2d(2, 6, 3, padding=1, bias=False),
        layer.BatchNorm2d(6),
        IFNode(),
        layer.AvgPool2d(2, 2),
        layer.Conv2d(6, 4, 3, stride=2, groups=2),
        LIFNode(),
        layer.Flatten(),
        layer.Dropout(0.5),
        layer.Linear(4, 10),
        LIFNode(),
    )
    functional.set_step_mode(net, "m")
    net[1].running_mean.uniform_(-0.5, 0.5)
    net[1].running_var.uniform_(0.5, 2)
    whole = Forward(lambda self, x: self.net(x).mean(0), net=net)
    graph = traced(whole, 2, 8, 8, spikes=True)
    assert kinds(graph) == [
        "input",
        "conv",
        "batch_norm",
        "lif",
        "conv",
        "conv",
        "lif",
        "reshape",
        "linear",
        "lif",
        "time_sum",
    ]
    assert graph.nodes["net.2"].provenance.module == "net.2"


@pytest.mark.parametrize("one", [1, 1.0, torch.ones(()), torch.ones(1, 5)])
def test_one_minus_spikes_is_their_negation(one: Any) -> None:
    graph = traced(
        Forward(lambda net, x: net.lif(net.fc(x)) * (one - x), fc=nn.Linear(5, 5), lif=IFNode(step_mode="m")),
        5,
        spikes=True,
    )
    expected = "not" if not isinstance(one, torch.Tensor) or one.ndim == 0 else "scale"
    assert expected in kinds(graph)
    assert str(graph.nodes[graph.outputs["output"]].type).startswith("spike" if expected == "not" else "graded")
    assert "not" not in kinds(traced(Forward(lambda net, x: one - x), 5))


def test_direct_coding_repeats_a_static_image() -> None:
    def forward(net: Forward, x: torch.Tensor) -> torch.Tensor:
        return net.lif(net.fc(x.unsqueeze(0).repeat(STEPS, 1, 1))).sum(0)

    graph = traced(Forward(forward, fc=nn.Linear(5, 9), lif=LIFNode(step_mode="m")), 5, static=True)
    assert kinds(graph) == ["input", "repeat", "linear", "lif", "time_sum"]


def test_tokens_merged_with_the_batch() -> None:
    def forward(net: Forward, x: torch.Tensor) -> torch.Tensor:
        flat = net.bn(net.fc(x.flatten(0, 2)))
        return net.lif(flat.reshape(*x.shape[:3], 9).contiguous())

    net = Forward(forward, fc=nn.Linear(5, 9), bn=nn.BatchNorm1d(9), lif=LIFNode(step_mode="m"))
    graph = traced(net, 7, 5, spikes=True)
    assert kinds(graph) == ["input", "linear", "batch_norm", "lif"]
    assert str(graph.nodes["lif"].type) == "spike[7x9]"


def test_in_place_arithmetic_on_a_fresh_tensor() -> None:
    def forward(net: Forward, x: torch.Tensor) -> torch.Tensor:
        y = net.fc(x)
        y += x
        return F.relu(y, inplace=True).mul_(2.0)

    assert kinds(traced(Forward(forward, fc=nn.Linear(5, 5)), 5)) == ["input", "linear", "add", "function", "scale"]


def test_in_place_arithmetic_on_the_only_view_in_use() -> None:
    """SpikingJelly's layers flatten time into the batch and back: what they return is a view of what they computed."""
    net = Forward(
        lambda net, x: net.lif(net.fc(x.flatten(0, 1)).view(STEPS, -1, 5).add_(x)),
        fc=nn.Linear(5, 5),
        lif=IFNode(step_mode="m"),
    )
    assert kinds(traced(net, 5, spikes=True)) == ["input", "linear", "add", "lif"]


def test_weights_made_by_a_parametrisation() -> None:
    fc = torch.nn.utils.parametrizations.weight_norm(nn.Linear(5, 4))
    graph = traced(Forward(lambda net, x: net.fc(x), fc=fc), 5)
    assert "linear" in kinds(graph)


def test_a_time_axis_that_comes_from_features() -> None:
    def forward(net: Forward, x: torch.Tensor) -> torch.Tensor:
        return net.lif(net.fc(x).reshape(-1, 6, STEPS).permute(2, 0, 1)) * 1.0 + x.unsqueeze(0)[..., :1]

    graph = traced(Forward(forward, fc=nn.Linear(5, 6 * STEPS), lif=LIFNode(step_mode="m")), 5, static=True)
    assert kinds(graph)[:5] == ["input", "linear", "reshape", "unfold_time", "lif"]


def check_refused(module: nn.Module, rule: str, *texts: str, x: torch.Tensor | None = None) -> CompileError:
    with pytest.raises(CompileError) as caught:
        trace_module(module, {"x": torch.rand(STEPS, 2, 5) if x is None else x}, [], STEPS, "net")
    assert caught.value.rule == rule
    for text in texts:
        assert text in str(caught.value)
    return caught.value


def test_the_error_names_the_module_path_and_the_function() -> None:
    inner = Forward(lambda net, x: torch.cummax(net.fc(x), dim=-1)[0], fc=nn.Linear(5, 5))
    net = Forward(lambda net, x: net.blocks[1](x), blocks=nn.ModuleList([nn.Identity(), inner])).eval()
    error = check_refused(net, "import.function", "no rule for the function cummax", "known names like it: ")
    assert error.where == "blocks.1"


class Open(Forward):
    """It takes anything."""

    def forward(self, *args: torch.Tensor, **kwargs: Any) -> Any:
        return self._forward(self, *args, **kwargs)


def test_inputs_without_a_name() -> None:
    net = Open(lambda net, x: net.lif(x), lif=LIFNode(step_mode="m")).eval()
    x = torch.rand(STEPS, 2, 5) * 3
    graph = trace_module(net, {"args": x}, [], STEPS, "net")
    assert check_import(net, graph, {"args": x}).compared == x.numel()
    with pytest.raises(CompileError, match="forward takes args; the example gives args, kwargs"):
        trace_module(net, {"args": x, "kwargs": x}, [], STEPS, "net")


def test_mistakes_in_the_call() -> None:
    net = Forward(lambda net, x: net.fc(x), fc=nn.Linear(5, 5))
    check_refused(net, "import.training", "eval()")
    net.eval()
    check_refused(net, "import.inputs", "float32", x=torch.ones(STEPS, 2, 5, dtype=torch.int32))
    check_refused(net, "import.inputs", "NaN", x=torch.full((STEPS, 2, 5), float("nan")))
    check_refused(net, "import.inputs", "not (4, B, ...)", x=torch.ones(3, 2, 5))
    check_refused(net, "import.inputs", "empty", x=torch.ones(STEPS, 0, 5))
    check_refused(net, "import.forward", "RuntimeError", x=torch.ones(STEPS, 2, 6))
    with pytest.raises(CompileError, match="forward takes x; the example gives y"):
        trace_module(net, {"y": torch.ones(STEPS, 2, 5)}, [], STEPS, "net")
    with pytest.raises(CompileError, match="T >= 1"):
        trace_module(net, {"x": torch.ones(2, 5)}, ["x"], 0, "net")
    net.fc.weight.data[0, 0] = float("inf")
    check_refused(net, "import.finite", "fc.weight holds NaN or infinity")


def test_nothing_stays_patched_after_an_error() -> None:
    net = Forward(lambda net, x: torch.cummax(x, dim=-1)[0]).eval()
    check_refused(net, "import.function")
    assert "__getitem__" not in vars(torch.Tensor)
    x = torch.ones(3)
    x[0] = 5.0
    assert float(torch.cumsum(x, 0)[0]) == 5


def test_the_batch_norm_of_a_training_module_is_refused() -> None:
    net = Forward(lambda net, x: net.bn(x.flatten(0, 1)), bn=nn.BatchNorm1d(5, track_running_stats=False)).eval()
    check_refused(net, "import.batch_norm", "statistics of the batch")


def test_the_graph_computes_on_numpy_too() -> None:
    net = Forward(lambda net, x: net.lif(net.fc(x)), fc=nn.Linear(5, 9), lif=LIFNode(step_mode="m"))
    graph = traced(net, 5)
    x = np.random.default_rng(0).normal(size=(STEPS, 3, 5)).astype(np.float32)
    assert interpret(graph, {"x": x})["output"].shape == (STEPS, 3, 9)
