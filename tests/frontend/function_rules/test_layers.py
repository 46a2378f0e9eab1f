"""Convolutions, plain and transposed, and dropout: as torch computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from backends.interpreter import InterpreterEngine
from compile import compile_model
from frontend.function_rules.layers import RULES
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
W = torch.linspace(-1, 1, 30).reshape(5, 6)
Tensor = torch.Tensor


def _kernel(*shape: int) -> Tensor:
    return torch.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def _maps(x: Tensor, *sizes: int) -> Tensor:
    """(T, B, 4, 6) as the images (T B, *sizes)."""
    return x.flatten(0, 1).reshape(-1, *sizes)


def _timed(x: Tensor) -> Tensor:
    return x.unflatten(0, (STEPS, -1))


CASES: dict[str, Compute] = {
    "embedding": lambda x, y, s: F.embedding(x[..., :5].argmax(-1), W, padding_idx=1),
    "conv1d": lambda x, y, s: F.conv1d(x.flatten(0, 1), _kernel(4, 2, 3), padding="same", groups=2).unflatten(
        0, (STEPS, -1)
    ),
    "conv2d": lambda x, y, s: F.conv2d(
        x.flatten(0, 1).unsqueeze(1), _kernel(2, 1, 3, 2), torch.ones(2), (1, 2), (1, 0), (1, 2)
    ).unflatten(0, (STEPS, -1)),
    "conv3d": lambda x, y, s: _timed(F.conv3d(_maps(x, 2, 2, 2, 3), _kernel(3, 2, 2, 1, 3), None, 1, (1, 0, 1))),
    "conv_transpose1d": lambda x, y, s: _timed(
        F.conv_transpose1d(_maps(x, 4, 6), _kernel(4, 2, 3), W[0, :4], 2, 1, 1, 2)
    ),
    "conv_transpose2d": lambda x, y, s: _timed(
        F.conv_transpose2d(_maps(x, 1, 4, 6), _kernel(1, 2, 1, 2), None, 1, (1, 2))
    ),
    "conv_transpose3d": lambda x, y, s: _timed(
        F.conv_transpose3d(_maps(x, 2, 2, 2, 3), _kernel(2, 1, 2, 1, 3), None, (2, 1, 3), dilation=(1, 1, 2))
    ),
    "dropout": lambda x, y, s: F.dropout(x, 0.5, training=False),
    "dropout1d": lambda x, y, s: F.dropout1d(x.flatten(0, 1), training=False).unflatten(0, (STEPS, -1)),
    "dropout2d": lambda x, y, s: F.dropout2d(x, training=False),
    "dropout3d": lambda x, y, s: F.dropout3d(x, training=False),
    "alpha_dropout": lambda x, y, s: F.alpha_dropout(x, training=False),
    "feature_alpha_dropout": lambda x, y, s: F.feature_alpha_dropout(x, training=False),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "embedding that shortens": (
        lambda x, y, s: F.embedding(x[..., :5].argmax(-1), W.clone(), max_norm=1.0),
        "import.in_place",
    ),
    "dropout": (lambda x, y, s: F.dropout(x, 0.5, training=True), "import.random"),
    "convolution over time": (lambda x, y, s: F.conv1d(x[:, :, 0], torch.ones(1, x.shape[1], 1)), "import.axes"),
    "kernel from the input": (lambda x, y, s: F.conv1d(x.flatten(0, 1), s[..., :3]), "import.weight"),
}


class TestLayers(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("taps", "gap"), [(2, 1), (4, 1), (3, 2), (2, 3)])
def test_zeros_that_keep_the_size(taps: int, gap: int, trace_function: Any) -> None:
    graph = trace_function(
        lambda x, y, s: _timed(F.conv1d(_maps(x, 4, 6), _kernel(4, 4, taps), padding="same", dilation=gap))
    )
    x = torch.rand(STEPS, 5, 4, 6)
    expected = _timed(F.conv1d(_maps(x, 4, 6), _kernel(4, 4, taps), padding="same", dilation=gap))
    ours = interpret(graph, {"x": x, "y": x, "s": x[:1]})["output"]
    torch.testing.assert_close(ours, expected)


@given(
    taps=st.integers(1, 4),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.integers(0, 5),
    more=st.integers(0, 2),
    groups=st.sampled_from([1, 2]),
    size=st.integers(1, 5),
    rank=st.integers(1, 3),
)
def test_every_transposed_convolution(
    taps: int, stride: int, dilation: int, padding: int, more: int, groups: int, size: int, rank: int
):
    length = (size - 1) * stride - 2 * padding + dilation * (taps - 1) + more + 1
    assume(more < max(stride, dilation) and length > 0)
    layer = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1](
        4, 6, taps, stride, padding, more, groups, bias=True, dilation=dilation
    )
    x = torch.rand(2, 3, 4, *(size,) * rank)
    net = nn.Sequential(nn.Flatten(0, 1), layer, nn.Unflatten(0, (2, -1))).eval()
    graph = trace_module(net, {"input": x}, [], 2, "net")
    torch.testing.assert_close(interpret(graph, {"input": x})["output"], net(x).detach())
    assert [node.op.kind for node in graph.nodes.values()].count("conv") == 1


def _spiking(*layers: nn.Module) -> nn.Sequential:
    """Neurons before and behind layers that take (N, C, *spatial)."""
    torch.manual_seed(0)
    return nn.Sequential(
        neuron.IFNode(0.4, step_mode="m"), layer.SeqToANNContainer(*layers), neuron.IFNode(0.3, step_mode="m")
    ).eval()


NETS: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "transposed, in one dimension": (lambda: _spiking(nn.ConvTranspose1d(2, 3, 3, 2, 1, 1)), (2, 7)),
    "transposed, with a norm": (
        lambda: _spiking(nn.ConvTranspose2d(2, 3, 4, 2, 1), nn.BatchNorm2d(3, eps=0)),
        (2, 4, 3),
    ),
    "transposed, in groups": (lambda: _spiking(nn.ConvTranspose2d(4, 6, 3, (2, 1), groups=2, dilation=2)), (4, 3, 3)),
    "transposed and plain": (
        lambda: _spiking(nn.ConvTranspose2d(2, 3, 2, 2, bias=False), nn.Conv2d(3, 2, 3, padding=1)),
        (2, 3, 3),
    ),
    "pooled and transposed": (lambda: _spiking(nn.AvgPool2d(2), nn.ConvTranspose2d(2, 2, 2, 2)), (2, 4, 4)),
    "in three dimensions": (lambda: _spiking(nn.Conv3d(2, 3, (2, 3, 3), padding=(0, 1, 1))), (2, 3, 4, 4)),
    "with an odd zero": (lambda: _spiking(nn.Conv2d(2, 3, (2, 3), padding="same")), (2, 4, 4)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=[pytest.mark.lava, pytest.mark.slow])])
def test_convolutions_between_neurons(net: str, target: str):
    """Floats fire as the module's, integers as the interpreter's, and both count the same events."""
    torch.manual_seed(0)
    build, shape = NETS[net]
    module = build()
    for parameter in module.parameters():
        parameter.data.mul_(16).round_().div_(8)
    x = (torch.rand(4, 3, *shape) < 0.5).float()
    expected = module(x).detach().numpy()
    functional.reset_net(module)
    assert 0 < expected.mean() < 1
    floats = compile_model(module, "gpu", precision="float", example=x).run(x)
    np.testing.assert_array_equal(floats.outputs["output"], expected)
    program = compile_model(module, target, example=x)
    run = program.run(x)
    interpreted = InterpreterEngine(program.deployment.chip).run(program.chip_inputs(x))
    np.testing.assert_array_equal(run.outputs["output"], next(iter(interpreted.outputs.values())))
    assert run.events == interpreted.events


class _Tokens(nn.Module):
    """A text's first layers are the host's, whatever the ids of the example."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.norm, self.fc = nn.Embedding(10, 6), nn.LayerNorm(6), nn.Linear(6, 8)
        self.fire, self.head = neuron.LIFNode(v_threshold=0.7, step_mode="m"), nn.Linear(8, 3)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.fire(4 * self.fc(F.gelu(self.norm(self.table(ids)))))).mean(2).sum(0).softmax(-1)


@pytest.mark.parametrize("most", [10, 2])
def test_ids_choose_rows_of_a_table(most: int):
    torch.manual_seed(0)
    net, ids = _Tokens().eval(), torch.randint(0, most, (4, 3, 5))
    want = net(ids).detach().numpy()
    functional.reset_net(net)
    program = compile_model(net, "gpu", precision="float", example=ids)
    np.testing.assert_allclose(program.run(ids).outputs["output"], want, atol=1e-6)
    assert [str(kind) for kind in program.inputs.values()] == ["real[5]"]
    with pytest.raises(CompileError, match="no whole number from 0 to 9"):
        program.run(ids + 10)
