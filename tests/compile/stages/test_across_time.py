"""Networks that mix time with features between their neurons, on the host, and those with constants of steps, on the chip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from torch import nn

from compile import compile_model
from ir.errors import DeployError

STEPS, SAMPLES, TOKENS = 4, 2, 3


def _lif(threshold: float = 1.0) -> neuron.LIFNode:
    return neuron.LIFNode(tau=2.0, v_threshold=threshold, step_mode="m")


class TemporalAttention(nn.Module):
    """Every step of a token looks at all steps of it; with or without softmax."""

    def __init__(self, softmax: bool) -> None:
        super().__init__()
        self.softmax, self.attn, self.out, self.last = softmax, _lif(0.5), nn.Linear(8, 3), _lif()
        self.maps = nn.ModuleList(nn.Linear(5, 8) for _ in range(3))
        self.neurons = nn.ModuleList(_lif() for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, N, 5) -> (T, B, N, 3)."""
        steps, batch, tokens, _ = x.shape
        q, k, v = (
            lif(map_(x)).permute(1, 2, 0, 3).reshape(batch, tokens, steps, 2, 4).transpose(2, 3)
            for map_, lif in zip(self.maps, self.neurons, strict=True)
        )
        scores = q @ k.transpose(-2, -1) * 0.25
        mixed = (scores.softmax(-1) if self.softmax else scores) @ v
        y = mixed.permute(3, 0, 1, 2, 4).reshape(steps, batch, tokens, 8)
        return self.last(self.out(self.attn(y)))


class SkippedTranspose(nn.Module):
    """Time and heads reinterpreted without a transpose, as S-CMRL's published code does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.lif, self.out, self.last = nn.Linear(5, 8), _lif(), nn.Linear(8, 3), _lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, N, 5) -> (T, B, N, 3)."""
        steps, batch, tokens, _ = x.shape
        y = self.lif(self.first(x)).permute(1, 2, 0, 3).reshape(batch, tokens, 2, steps, 4)
        y = y.transpose(2, 3).reshape(batch, tokens, steps, 8).permute(2, 0, 1, 3)
        return self.last(self.out(y))


class TimeConvolution(nn.Module):
    """A depthwise convolution over time that looks one step ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.lif, self.out, self.last = nn.Linear(5, 8), _lif(), nn.Linear(8, 3), _lif()
        self.conv = nn.Conv1d(8, 8, 3, padding=1, groups=8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 5) -> (T, B, 3)."""
        return self.last(self.out(self.conv(self.lif(self.first(x)).permute(1, 2, 0)).permute(2, 0, 1)))


class RunningMean(nn.Module):
    """Neurons read the mean of the steps so far."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.lif, self.out, self.last = nn.Linear(5, 8), _lif(), nn.Linear(8, 3), _lif()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 5) -> (T, B, 3)."""
        spikes = self.lif(self.first(x))
        return self.last(self.out(spikes.cumsum(0) / torch.arange(1.0, STEPS + 1).view(-1, 1, 1)))


class OfSteps(nn.Module):
    """Factors, terms or norms of single steps, of spikes or currents; all sums are exact."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.first, self.lif, self.out, self.last = nn.Linear(5, 8), _lif(), nn.Linear(8, 3), _lif()
        self.weights = nn.Parameter(torch.tensor([0.5, 1.0, 0.0, 2.0]).view(4, 1, 1))
        self.each = nn.Parameter(torch.randint(-2, 5, (4, 1, 3)) / 4)
        self.norm, self.channels = nn.BatchNorm1d(STEPS, eps=0.0), nn.BatchNorm1d(3, eps=0.0)
        self.norm.running_mean, self.norm.running_var = torch.tensor([0.25, 0, -0.5, 1]), torch.tensor([1, 0.25, 4, 1])
        self.channels.running_mean, self.channels.running_var = (
            torch.tensor([0.5, -0.25, 0]),
            torch.tensor([1, 0.25, 4.0]),
        )
        self.norm.bias.data = torch.tensor([0, 0.25, 0.5, -0.25])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 5) -> (T, B, 3)."""
        spikes = self.lif(self.first(x))
        if self.what == "spikes":
            return self.last(self.out(spikes * self.weights))
        y = self.out(spikes)
        if self.what == "norm":
            return self.last(self.norm(y.transpose(0, 1)).transpose(0, 1).contiguous())
        y = {"current": y * self.weights, "each": y * self.each, "terms": y + self.each}[
            self.what.removesuffix(" normed")
        ]
        return self.last(self.channels(y.flatten(0, 1)).reshape(y.shape) if self.what.endswith("normed") else y)


OF_STEPS = ("spikes", "current", "current normed", "each", "terms", "terms normed", "norm")


def _of_steps(what: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    module = OfSteps(what).eval()
    for layer in (module.first, module.out):
        layer.weight.data = torch.randint(-2, 7, layer.weight.shape) / 4
        layer.bias.data.fill_(0.25)
    return module, (torch.rand(STEPS, 5, 5) < 0.5).float()


@pytest.mark.parametrize("what", OF_STEPS)
def test_constants_of_steps_are_the_chips(what: str) -> None:
    module, x = _of_steps(what)
    expected = _forward(module, x)
    assert expected.any()
    for precision in ("float", "int"):
        program = compile_model(module, "gpu", precision=precision, example=x)
        assert len(program.phases) == 1
        assert np.array_equal(program.run(x).outputs["output"], expected)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("what", OF_STEPS)
def test_lava_agrees_on_constants_of_steps(what: str) -> None:
    module, x = _of_steps(what)
    program = compile_model(module, "loihi", example=x)
    assert program.report(x).passed
    assert np.array_equal(program.run(x).outputs["output"], _forward(module, x))


class Stem(OfSteps):
    """Constants of steps, and a norm behind them, before the first neurons."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 5) -> (T, B, 3)."""
        y = self.out(self.first(x)) * self.weights + self.each
        return self.last(self.channels(y.flatten(0, 1)).reshape(y.shape))


def test_constants_of_steps_before_the_first_neurons_are_the_hosts() -> None:
    module, _ = _of_steps("spikes")
    stem = Stem("spikes").eval()
    stem.load_state_dict(module.state_dict())
    x = torch.randint(-8, 9, (STEPS, 5, 5)) / 8
    program = compile_model(stem, "gpu", precision="float", example=x)
    assert np.array_equal(program.run(x).outputs["output"], _forward(stem, x))
    assert {"time_weight", "batch_norm"} <= {node.op.kind for node in program.deployment.prologue.nodes.values()}


class OfMembranes(OfSteps):
    """Factors of steps of what no neuron fires: a membrane."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 5) -> (T, B, 3)."""
        self.lif.store_v_seq = True
        self.lif(self.first(x))
        return self.last(self.out(self.lif.v_seq * self.weights))


def test_factors_of_membranes_are_the_hosts() -> None:
    torch.manual_seed(0)
    module, x = OfMembranes("spikes").eval(), 3 * torch.rand(STEPS, 5, 5)
    program = compile_model(module, "gpu", precision="float", example=x)
    assert len(program.phases) == 2
    assert "time_weight" in program.report(x).parts[0].borders[0].operations
    gates = compile_model(module, "gpu", precision="float", example=x, phases=1)
    assert len(gates.phases) == 1
    assert np.array_equal(gates.run(x).outputs["output"], program.run(x).outputs["output"])


CASES = {
    "attention": (lambda: TemporalAttention(softmax=False), True, "fold_time"),
    "softmax": (lambda: TemporalAttention(softmax=True), True, "along"),
    "skipped transpose": (SkippedTranspose, True, "fold_time"),
    "convolution": (TimeConvolution, False, "fold_time"),
    "running mean": (RunningMean, False, "along"),
}


def _case(name: str) -> tuple[nn.Module, torch.Tensor, str]:
    make, has_tokens, operation = CASES[name]
    torch.manual_seed(1)
    module, shape = make().eval(), (STEPS, SAMPLES, *((TOKENS,) if has_tokens else ()), 5)
    for parameter in module.parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, 0.3, 0.6)
    return module, 3 * torch.rand(shape), operation


def _forward(module: nn.Module, x: torch.Tensor) -> np.ndarray[Any, Any]:
    functional.reset_net(module)
    with torch.no_grad():
        y = module(x).numpy()
    functional.reset_net(module)
    return y


@pytest.mark.parametrize("name", CASES)
def test_spikes_are_the_modules_own(name: str) -> None:
    module, x, operation = _case(name)
    program = compile_model(module, "gpu", precision="float", example=x)
    assert len(program.phases) == 2
    for inputs in (x, 3 * torch.rand_like(x)):
        expected = _forward(module, inputs)
        assert expected.any()
        assert np.array_equal(program.run(inputs).outputs["output"], expected)
    assert operation in program.report(x).parts[0].borders[0].operations


class TimeReadOut(TimeConvolution):
    """The convolution over time behind the last neurons."""

    def __init__(self, time_last: bool) -> None:
        super().__init__()
        self.time_last = time_last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 5) -> (T, B, 8), or (B, 8, T)."""
        y = self.conv(self.lif(self.first(x)).permute(1, 2, 0))
        return y if self.time_last else y.permute(2, 0, 1)


@pytest.mark.parametrize("time_last", [False, True])
def test_read_outs_over_time_need_one_phase(time_last: bool) -> None:
    torch.manual_seed(0)
    module, x = TimeReadOut(time_last).eval(), 3 * torch.rand(STEPS, SAMPLES, 5)
    program = compile_model(module, "gpu", precision="float", example=x)
    assert len(program.phases) == 1
    assert program.outputs["output"].static == time_last
    np.testing.assert_allclose(program.run(x).outputs["output"], _forward(module, x), atol=1e-6)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("name", ["attention", "convolution"])
def test_lava_agrees(name: str) -> None:
    module, x, _ = _case(name)
    assert compile_model(module, "loihi", example=x).report(x).passed


@pytest.mark.parametrize("name", CASES)
def test_one_phase_names_the_operation(name: str) -> None:
    module, x, operation = _case(name)
    with pytest.raises(DeployError) as caught:
        compile_model(module, "gpu", example=x, phases=1)
    assert f"split.{operation}" in {violation.rule for violation in caught.value.violations}
