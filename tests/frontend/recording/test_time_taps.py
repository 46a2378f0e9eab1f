"""Convolutions along the window: causal ones are delays of synapses, in every spelling, size and framework; others the host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from compile import compile_model
from frontend.tracing.trace import trace_module
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Delay

Tensor = torch.Tensor
WIDTH = 4


def _pad(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    return conv(F.pad(s, (reach, 0)))


def _in_front(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    return conv(torch.cat([torch.zeros(*s.shape[:2], reach), s], 2))


def _cut(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    return F.conv1d(s, conv.weight, conv.bias, 1, reach, conv.dilation, conv.groups)[..., : s.shape[2]]


def _over_padded(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    return conv(F.pad(s, (reach + 2, 1)))[..., 2:-1]


def _as_image(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    rows = F.conv2d(
        F.pad(s[..., None], (0, 0, reach, 0)), conv.weight[..., None], conv.bias, 1, 0, (*conv.dilation, 1), conv.groups
    )
    return rows[..., 0]


def _masked(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    """A kernel that could look ahead, its weights there 0."""
    wide = F.pad(conv.weight, (0, conv.weight.shape[2] - 1))
    return F.conv1d(s, wide, conv.bias, 1, reach, conv.dilation, conv.groups)


def _transposed(conv: nn.Module, s: Tensor, reach: int) -> Tensor:
    kernels = conv.weight.flip(2).reshape(conv.groups, -1, *conv.weight.shape[1:]).swapaxes(1, 2).flatten(0, 1)
    y = F.conv_transpose1d(s, kernels, conv.bias, 1, 0, 0, conv.groups, conv.dilation)
    return y[..., : s.shape[2]]


SPELLINGS: dict[str, Callable[[Any, Tensor, int], Tensor]] = {
    "padded": _pad,
    "zeros in front": _in_front,
    "cut behind": _cut,
    "over-padded": _over_padded,
    "as an image": _as_image,
    "masked": _masked,
    "transposed": _transposed,
}


class Net(nn.Module):
    """Neurons, a convolution along the window, a norm, neurons; all weights are quarters or eighths, so that sums often tie."""

    def __init__(
        self, spelling: str = "padded", taps: int = 3, groups: int = 1, dilation: int = 1, norm: bool = True
    ) -> None:
        super().__init__()
        self.spelling, self.reach = SPELLINGS[spelling], dilation * (taps - 1)
        self.first, self.spike, self.out = nn.Linear(5, WIDTH), LIFNode(step_mode="m"), LIFNode(step_mode="m")
        self.conv = nn.Conv1d(WIDTH, WIDTH, taps, dilation=dilation, groups=groups)
        self.norm = nn.BatchNorm1d(WIDTH, eps=0.0) if norm else nn.Identity()
        for layer in (self.first, self.conv):
            layer.weight.data = torch.randint(-2, 7, layer.weight.shape) / 4
            assert layer.bias is not None
            layer.bias.data = torch.randint(0, 3, layer.bias.shape) / 4
        if norm:
            self.norm.running_mean = torch.tensor([0.25, -0.5, 0.0, 0.25])
            self.norm.running_var = torch.tensor([1.0, 0.25, 1.0, 4.0])
            self.norm.bias.data = torch.tensor([0.5, 0.25, 0.0, -0.25])

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 5) -> (T, B, 4)."""
        s = self.spike(self.first(x)).permute(1, 2, 0)
        return self.out(self.norm(self.spelling(self.conv, s, self.reach)).permute(2, 0, 1).contiguous())


def _inputs(steps: int, features: int = 5) -> Tensor:
    return (torch.rand(steps, 3, features, generator=torch.Generator().manual_seed(1)) < 0.5).float()


def _expected(module: nn.Module, x: Tensor) -> Any:
    with torch.no_grad():
        y = module(x).numpy()
    reset_net(module)
    assert y.any()
    return y


def _assert_on_chip(module: nn.Module, x: Tensor, target: str = "gpu") -> Graph:
    """The chip runs the module in one phase, with its own spikes in floats and integers; its graph."""
    program, expected = compile_model(module, target, example=x), _expected(module, x)
    assert len(program.phases) == 1
    assert np.array_equal(program.run(x).outputs["output"], expected)
    floats = compile_model(module, target, precision="float", example=x)
    assert np.array_equal(floats.run(x).outputs["output"], expected)
    assert {node.op.kind for node in program.deployment.epilogue.nodes.values()} <= {"input"}
    return program.deployment.chip


def _delays(chip: Graph) -> list[int]:
    return sorted(node.op.steps for node in chip.nodes.values() if isinstance(node.op, Delay))


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_a_sum_of_delayed_projections(spelling: str, steps: int) -> None:
    torch.manual_seed(0)
    chip = _assert_on_chip(Net(spelling).eval(), _inputs(steps))
    assert _delays(chip) == [late for late in (1, 2) if late < steps]


@pytest.mark.parametrize(
    ("taps", "groups", "dilation", "norm"), [(1, 1, 1, True), (2, 4, 1, True), (3, 2, 2, False), (2, 4, 3, False)]
)
def test_taps_groups_and_dilation(taps: int, groups: int, dilation: int, norm: bool) -> None:
    torch.manual_seed(1)
    chip = _assert_on_chip(Net("padded", taps, groups, dilation, norm).eval(), _inputs(6))
    assert _delays(chip) == [dilation * tap for tap in range(1, taps)]


class OnImages(nn.Module):
    """A causal convolution over steps and pixels, or over the steps of every pixel by itself."""

    def __init__(self, kernel: tuple[int, int, int], stride: int = 1, pixels: bool = False) -> None:
        super().__init__()
        self.first, self.spike, self.out = nn.Conv2d(1, 2, 3), LIFNode(step_mode="m"), LIFNode(step_mode="m")
        self.pixels, (taps, high, _) = pixels, kernel
        self.conv: nn.Module = (
            nn.Conv1d(2, 3, taps) if pixels else nn.Conv3d(2, 3, kernel, (1, stride, stride), (0, high // 2, 0))
        )
        self.before = taps - 1
        for layer in (self.first, self.conv):
            layer.weight.data = torch.randint(-2, 5, layer.weight.shape) / 4
            layer.bias.data.fill_(0.25)

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 36) -> (T, B, ...)."""
        steps, batch = x.shape[:2]
        s = self.spike(self.first(x.reshape(-1, 1, 6, 6)).reshape(steps, batch, 2, 4, 4))
        if not self.pixels:
            y = self.conv(F.pad(s.permute(1, 2, 0, 3, 4), (0, 0, 0, 0, self.before, 0)))
            return self.out(y.permute(2, 0, 1, 3, 4).contiguous())
        rows = s.permute(1, 3, 4, 2, 0).reshape(-1, 2, steps)
        y = self.conv(F.pad(rows, (self.before, 0))).reshape(batch, 16, 3, steps)
        return self.out(y.permute(3, 0, 2, 1).contiguous())


@pytest.mark.parametrize(
    ("kernel", "stride", "pixels"),
    [((2, 3, 1), 1, False), ((3, 1, 1), 1, False), ((2, 3, 2), 2, False), ((3, 1, 1), 1, True)],
)
def test_images_and_every_pixel_by_itself(kernel: tuple[int, int, int], stride: int, pixels: bool) -> None:
    torch.manual_seed(0)
    chip = _assert_on_chip(OnImages(kernel, stride, pixels).eval(), _inputs(4, 36))
    assert _delays(chip) == list(range(1, kernel[0]))


@pytest.mark.parametrize("padding", [(2, 0), (4, 0), (1, 0), (1, 1), (0, 2), (0, 0)])
@pytest.mark.parametrize(("taps", "stride", "dilation"), [(3, 1, 1), (2, 1, 2), (2, 2, 1)])
def test_read_outs_are_the_sum_by_hand(padding: tuple[int, int], taps: int, stride: int, dilation: int) -> None:
    """Whatever is padded and left out: on the host where it is not causal."""
    kernels, x = np.random.default_rng(0).integers(-4, 5, (3, 2, taps)) / 4, _inputs(5, 2)
    line = np.pad(x.numpy(), (padding, (0, 0), (0, 0)))
    places = range(0, len(line) - dilation * (taps - 1), stride)
    expected = np.array([sum(line[o + dilation * tap] @ kernels[..., tap].T for tap in range(taps)) for o in places])

    class Bare(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            rows = F.pad(x.permute(1, 2, 0), padding)
            y = F.conv1d(rows, torch.tensor(kernels).float(), None, stride, 0, dilation)
            return y.permute(2, 0, 1) if len(expected) == len(x) else y

    graph = trace_module(Bare().eval(), {"x": x}, [], 5, "net")
    (got,) = interpret(graph, {"x": x.numpy()}).values()
    assert np.array_equal(got if len(expected) == len(x) else np.moveaxis(got[0], 2, 0), expected)
    on_host = any(node.op.kind in ("fold_time", "at_step") for node in graph.nodes.values())
    assert on_host != (len(expected) == 5 and stride == 1 and padding == (dilation * (taps - 1), 0))


def test_means_of_the_last_steps() -> None:
    torch.manual_seed(0)
    module, x = Net(taps=4, norm=False).eval(), _inputs(6)
    module.spelling = lambda conv, s, reach: F.avg_pool1d(F.pad(s, (reach, 0)), 4, 1) * 2
    assert _delays(_assert_on_chip(module, x)) == [1, 2, 3]


class LookAhead(Net):
    """Every output sees the step after its own."""

    def forward(self, x: Tensor) -> Tensor:
        s = self.spike(self.first(x)).permute(1, 2, 0)
        y = F.conv1d(s, self.conv.weight, self.conv.bias, padding=1)
        return self.out(self.norm(y).permute(2, 0, 1).contiguous())


def test_one_that_looks_ahead_is_the_hosts() -> None:
    torch.manual_seed(0)
    module, x = LookAhead().eval(), _inputs(4)
    program = compile_model(module, "gpu", example=x)
    assert len(program.phases) == 2
    assert np.array_equal(program.run(x).outputs["output"], _expected(module, x))


class Stepwise(nn.Module):
    """snnTorch's or Norse's neurons in loops over the steps, two causal convolutions between them, one behind the other."""

    def __init__(self, framework: str) -> None:
        super().__init__()
        self.framework = framework
        norse, snntorch = pytest.importorskip("norse.torch"), pytest.importorskip("snntorch")
        neuron = (
            (lambda: snntorch.Leaky(beta=0.5)) if framework == "snntorch" else (lambda: norse.LIFBoxCell(dt=2.0**-7))
        )
        self.first, self.convs = nn.Linear(5, WIDTH), nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 2) for _ in range(2))
        self.neurons = nn.ModuleList(neuron() for _ in range(3))
        for layer in (self.first, *self.convs):
            layer.weight.data = torch.randint(-2, 9, layer.weight.shape) / (1 if framework == "norse" else 4)
            layer.bias.data.fill_(0.25)

    def forward(self, x: Tensor) -> Tensor:
        s = self._fired(self.neurons[0], self.first(x))
        for conv, neuron in zip(self.convs, self.neurons[1:], strict=True):
            s = self._fired(neuron, conv(F.pad(s.permute(1, 2, 0), (1, 0))).permute(2, 0, 1))
        return s

    def _fired(self, neuron: nn.Module, x: Tensor) -> Tensor:
        spikes, state = [], neuron.init_leaky() if self.framework == "snntorch" else None
        for current in x:
            fired, state = neuron(current, state)
            spikes.append(fired)
        return torch.stack(spikes)


@pytest.mark.parametrize("framework", ["snntorch", "norse"])
def test_loops_over_steps_of_other_frameworks(framework: str) -> None:
    torch.manual_seed(0)
    module, x = Stepwise(framework).eval(), _inputs(4)
    program = compile_model(module, "gpu", precision="float", example=x)
    assert len(program.phases) == 1
    assert _delays(program.deployment.chip) == [1, 1]
    with torch.no_grad():
        assert np.array_equal(program.run(x).outputs["output"], module(x).numpy())
    assert program.run(x).outputs["output"].any()


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: Net("padded", 3, 4), lambda: OnImages((3, 1, 1), pixels=True)])
def test_lava_agrees_and_samples_do_not_see_each_other(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    module = make().eval()
    x = _inputs(3, 5 if isinstance(module, Net) else 36)
    program = compile_model(module, "loihi", example=x)
    assert program.report(x).passed
    assert np.array_equal(program.run(x).outputs["output"], _expected(module, x))
