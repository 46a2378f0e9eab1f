"""Maps of images: as torch computes them, and with synapses for what is not zero alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from compile import compile_model
from frontend.function_rules.resampling import RULES
from frontend.tracing.trace import trace_module
from ir.graph import Graph
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
Tensor = torch.Tensor


def _maps(x: Tensor) -> Tensor:
    return x.flatten(0, 1).reshape(-1, 2, 3, 4)


def _bigger(x: Tensor) -> Tensor:
    """Every mode, with and without corners."""
    images = _maps(x)
    whole = F.interpolate(images, (5, 7)) + F.interpolate(images, (5, 7), mode="nearest-exact")
    whole = whole + F.interpolate(images, (5, 7), mode="bilinear") + F.interpolate(images, (5, 7), mode="area")
    whole = whole + F.interpolate(images, (5, 7), mode="bicubic", align_corners=True)
    rows = F.interpolate(x.flatten(0, 1), scale_factor=1.5, mode="linear")
    return whole.unflatten(0, (STEPS, -1)).flatten(2)[..., :36] + rows.unflatten(0, (STEPS, -1)).flatten(2)


def _planes(x: Tensor) -> Tensor:
    """(T, B, 4, 6) as (T, B, 4, 2, 3), which torch takes for (N, C, D, H, W)."""
    return x.unflatten(3, (2, 3))


PLANES: dict[str, Compute] = {
    "factors": lambda x, y, s: F.interpolate(_planes(x), scale_factor=(1, 2, 2)),
    "sizes": lambda x, y, s: F.interpolate(_planes(x), (4, 3, 5), mode="trilinear"),
}


@pytest.mark.parametrize("name", PLANES)
def test_every_channel_of_images_behind_time_and_batch(name: str, check_rule: Callable[[str, Compute], None]) -> None:
    check_rule("interpolate", PLANES[name])


CASES: dict[str, Compute] = {
    "interpolate": lambda x, y, s: _bigger(x),
    "fold": lambda x, y, s: (
        F.fold(x.flatten(0, 1), (3, 4), 2).unflatten(0, (3, -1))
        + F.fold(y.flatten(0, 1), (4, 6), 2, stride=2)[:, :, :3, :4].unflatten(0, (3, -1))
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "more channels of (T, B, C, H, W)": (
        lambda x, y, s: F.interpolate(_planes(x), scale_factor=(2, 1, 1)),
        "import.axes",
    ),
    "images of samples": (lambda x, y, s: F.interpolate(x.permute(2, 3, 0, 1), (5, 5)), "import.axes"),
}


class TestResampling(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


def _graph(module: nn.Module, *sizes: int) -> Graph:
    net = nn.Sequential(nn.Flatten(0, 1), module, nn.Unflatten(0, (2, -1))).eval()
    return trace_module(net, {"input": torch.rand(2, 3, *sizes).round()}, [], 2, "net")


def _synapses(graph: Graph) -> int:
    shapes = {name: array.shape for name, array in graph.params.items()}
    nodes = [node for node in graph.nodes.values() if node.op.family == "projection"]
    return sum(n.op.synapses(graph.args(n), {role: shapes[name] for role, name in n.params}) for n in nodes)


@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        (nn.AdaptiveAvgPool2d((7, 7)), (3, 2, 2)),
        (nn.AdaptiveAvgPool2d((3, 5)), (4, 7, 8)),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 6, 6)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 4, 5)),
        (nn.Upsample(size=(7, 9), mode="bicubic"), (2, 5, 4)),
        (nn.AdaptiveAvgPool1d(3), (4, 7)),
    ],
)
def test_a_weight_that_is_not_zero_is_one_synapse(module: nn.Module, sizes: tuple[int, ...]):
    places = int(np.prod(sizes[1:]))
    units = torch.eye(places).reshape(places, 1, *sizes[1:])
    assert _synapses(_graph(module, *sizes)) == sizes[0] * int(torch.count_nonzero(module(units)))


@pytest.mark.parametrize(
    "module", [nn.Upsample(scale_factor=2), nn.AdaptiveAvgPool2d((7, 7)), nn.Upsample(size=(3, 5))]
)
def test_copies_of_elements_are_wires(module: nn.Module):
    graph = _graph(module, 3, 1, 1)
    assert {node.op.family for node in graph.nodes.values()} == {"input", "routing"}


NETS: dict[str, Callable[[], list[nn.Module]]] = {
    "nearest": lambda: [nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3, padding=1)],
    "bilinear": lambda: [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2, 3, 1)],
    "bilinear, before a linear layer": lambda: [
        nn.Upsample(size=(5, 3), mode="bilinear"),
        nn.Flatten(),
        nn.Linear(30, 4),
    ],
    "bilinear, behind a convolution": lambda: [nn.Conv2d(2, 3, 3), nn.Upsample(size=(5, 3), mode="bilinear")],
}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=[pytest.mark.lava, pytest.mark.slow])])
def test_images_between_neurons(net: str, target: str):
    torch.manual_seed(0)
    module = nn.Sequential(
        neuron.IFNode(0.5, step_mode="m"), layer.SeqToANNContainer(*NETS[net]()), neuron.IFNode(0.4, step_mode="m")
    ).eval()
    for parameter in module.parameters():
        parameter.data.mul_(16).round_().div_(8)
    x = (torch.rand(4, 3, 2, 4, 4) < 0.5).float()
    want = module(x).detach().numpy()
    assert 0 < want.mean() < 1
    functional.reset_net(module)
    floats = compile_model(module, "gpu", precision="float", example=x)
    assert np.array_equal(floats.run(x).outputs["output"], want)
    program = compile_model(module, target, example=x)
    twin = program.on("gpu")
    assert np.array_equal(program.run(x).outputs["output"], twin.run(x).outputs["output"])
    assert program.run(x).events == twin.run(x).events
