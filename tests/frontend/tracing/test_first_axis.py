"""Where the first axis is the batch, as of images that a network repeats itself, is seen from what its neurons do."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from compile import compile_model
from frontend.tracing.first_axis import steps_of_repeated
from frontend.tracing.trace import trace_module
from ir.errors import CompileError

STEPS = 4


class Repeated(nn.Module):
    """Repeats an image before its first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layer.SeqToANNContainer(nn.Conv2d(3, 4, 3))
        self.neurons = neuron.LIFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.unsqueeze(0).repeat(STEPS, 1, 1, 1, 1)
        spikes: torch.Tensor = self.neurons(self.conv(x))
        return spikes.mean((0, 3, 4))


class Looped(nn.Module):
    """Presents one current again and again, in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 5)
        self.neurons = neuron.IFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        current = self.fc(x.flatten(1))
        return torch.stack([self.neurons(current) for _ in range(STEPS)]).sum(0)


class WithState(nn.Module):
    """The same loop in snnTorch's style."""

    def __init__(self) -> None:
        snntorch = pytest.importorskip("snntorch")
        super().__init__()
        self.fc = nn.Linear(6, 5)
        self.neurons = snntorch.Leaky(beta=0.75)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        membrane, record = self.neurons.init_leaky(), list[torch.Tensor]()
        for _ in range(STEPS):
            spikes, membrane = self.neurons(self.fc(x), membrane)
            record.append(spikes)
        return torch.stack(record).sum(0)


class TimeFirst(nn.Module):
    """Takes (T, B, 6)."""

    def __init__(self, step_mode: str = "m") -> None:
        super().__init__()
        self.fc = nn.Linear(6, 5)
        self.neurons = neuron.LIFNode(step_mode=step_mode)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.neurons(self.fc(x))


class BatchFirst(TimeFirst):
    """Takes (B, T, 6)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.transpose(0, 1))


class FixedLoop(TimeFirst):
    """Takes (T, B, 6), and as many steps as it was written for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.neurons(self.fc(x[t])) for t in range(STEPS)])


class WrittenOut(nn.Module):
    """Presents an image again and again to neurons that it writes out, of several layers of one shape."""

    def __init__(self, steps: int = STEPS, layers: int = 1, channels: int = 3) -> None:
        super().__init__()
        self.steps = steps
        self.conv = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        membranes: list[Any] = [0.0] * len(self.conv)
        total = torch.zeros_like(x)
        for _ in range(self.steps):
            spikes = x
            for k, conv in enumerate(self.conv):
                membranes[k] = membranes[k] * 0.5 + conv(spikes)
                spikes = (membranes[k] > 0.2).float()
                membranes[k] = membranes[k] * (1 - spikes)
            total = total + spikes
        return total


class TiledWrittenOut(WrittenOut):
    """Takes all copies of an image through its layer at once."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        current = self.conv[0](x.unsqueeze(1).repeat(1, self.steps, 1, 1, 1).flatten(0, 1))
        membrane, total = torch.zeros_like(x), torch.zeros_like(x)
        for now in current.unflatten(0, (-1, self.steps)).unbind(1):
            membrane = membrane * 0.5 + now
            spikes = (membrane > 0.2).float()
            membrane, total = membrane * (1 - spikes), total + spikes
        return total


class WithoutMemory(nn.Module):
    """Integer spikes of an image in one step."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.round(torch.clamp(self.norm(self.conv(x)), 0, 4)).flatten(1)


class FiresAtOnce(nn.Module):
    """Takes (T, B, 6); two layers of one shape fire, and remember nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.fc((self.fc(x) > 0).float()) > 0).float()


class WrittenOutBatchFirst(WrittenOut):
    """Takes (B, T, ...), and fewer steps than its window has."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([super(WrittenOutBatchFirst, self).forward(x[:, t]) for t in range(2)])


IMAGES = (
    (WrittenOut, (2, 3, 6, 6)),
    (WrittenOut, (STEPS, 3, 6, 6)),
    (lambda: WrittenOut(layers=2), (2, 3, 6, 6)),
    (lambda: WrittenOut(layers=3), (2, 3, 6, 6)),
    (lambda: WrittenOut(channels=1), (2, 1, 6, 6)),
    (lambda: WrittenOut(layers=2, channels=1), (3, 1, 6, 6)),
    (TiledWrittenOut, (2, 3, 6, 6)),
    (Repeated, (2, 3, 6, 6)),
    (Repeated, (STEPS, 3, 6, 6)),
    (Looped, (7, 6)),
    (Looped, (STEPS, 6)),
    (WithState, (2, 6)),
)


@pytest.mark.parametrize(("network", "shape"), IMAGES)
def test_a_network_that_makes_the_steps_itself_compiles_as_it_is(
    network: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    module, x = network().eval(), 3 * torch.rand(shape)
    with torch.no_grad():
        expected = module(x)
    for child in module.modules():
        if isinstance(child, neuron.BaseNode):
            child.reset()
    program = compile_model(module, target="gpu", precision="float", example=x)
    assert program.steps == STEPS
    assert torch.equal(torch.as_tensor(program.run(x).outputs["output"]), expected)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (TimeFirst(), (STEPS, 2, 6)),
        (TimeFirst(), (1, 2, 6)),
        (BatchFirst(), (2, STEPS, 6)),
        (FixedLoop("s"), (STEPS, 2, 6)),
        (Repeated(), (2, STEPS, 6, 6)),  # it does not run
        (nn.Linear(6, 5), (2, 6)),  # nothing makes steps
        (WrittenOut(3), (2, 3, 6, 6)),  # three channels, or three steps
        (FiresAtOnce(), (STEPS, 2, 6)),
        (FiresAtOnce(), (STEPS, 1, 6)),
        (WrittenOutBatchFirst(), (2, STEPS, 3, 6, 6)),
    ],
)
def test_where_an_axis_is_time_nothing_is_taken_for_an_image(module: nn.Module, shape: tuple[int, ...]) -> None:
    assert steps_of_repeated(module.eval(), {"x": torch.rand(shape)}) is None


def test_what_remembers_nothing_and_cannot_have_time_makes_one_step() -> None:
    torch.manual_seed(0)
    module, x = WithoutMemory().eval(), 3 * torch.rand(3, 2, 6, 6)
    program = compile_model(module, target="gpu", precision="float", example=x)
    assert program.steps == 1
    assert torch.equal(torch.as_tensor(program.run(x).outputs["output"]), module(x))


def test_a_model_file_is_told_to_name_its_images() -> None:
    with pytest.raises(CompileError, match="STATIC_INPUTS"):
        trace_module(WrittenOut().eval(), {"x": torch.rand(2, 3, 6, 6)}, [], 2, "net")


class TimeLast(WrittenOut):
    """Takes (B, C, H, W, T), as code of STBP does."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        current = torch.stack([self.conv[0](x[..., t]) for t in range(x.shape[-1])], -1)
        membrane, out = torch.zeros(current.shape[:-1]), torch.zeros(current.shape)
        for t in range(x.shape[-1]):
            membrane = 0.5 * membrane * (1 - out[..., max(t - 1, 0)]) + current[..., t]
            out[..., t] = (membrane > 0.2).float()
        return out.sum(-1)


def test_time_as_the_last_axis_is_told() -> None:
    x = torch.rand(2, 3, 6, 6, STEPS)
    with pytest.raises(CompileError, match="time is the last axis"):
        compile_model(TimeLast().eval(), target="gpu", example=x)

    class Moved(TimeLast):
        """As the hint says."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.movedim(0, -1))

    assert steps_of_repeated(Moved().eval(), {"x": x.movedim(-1, 0)}) is None


def test_images_as_wide_as_there_are_steps_have_no_time() -> None:
    class NoRule(WrittenOut):
        """Cannot be imported."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(torch.lgamma(x))

    with pytest.raises(CompileError, match="no rule for the function lgamma"):
        compile_model(NoRule(6).eval(), target="gpu", example=torch.rand(2, 3, 6, 6))


def test_the_message_is_about_the_order_of_axes_that_the_module_has() -> None:
    class OverSamples(BatchFirst):
        """Its second layer takes T x B for the steps of one sample."""

        def __init__(self) -> None:
            super().__init__()
            self.more = neuron.LIFNode(step_mode="m")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            spikes = super().forward(x)
            return self.more(spikes.flatten(0, 1)).reshape(spikes.shape)

    with pytest.raises(CompileError, match="a membrane goes on in the next sample"):
        compile_model(OverSamples(), target="gpu", example=torch.rand(2, STEPS, 6))


class KeepsFirstCall(nn.Module):
    """What it keeps from its first call is as long as that call's window."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis, self.fc, self.lif = axis, nn.Linear(6, 5), neuron.LIFNode(step_mode="m")
        self.code: torch.Tensor | None = None
        self.scale: float | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.code is None:
            shape = [-1, 1, 1] if self.axis == 0 else [1, -1, 1]
            self.code, self.scale = torch.linspace(0, 1, x.shape[self.axis]).view(shape), 24 / x.shape[self.axis]
        current = self.fc(x) * self.scale + self.code
        return self.lif(current) if self.axis == 0 else self.lif(current.transpose(0, 1)).transpose(0, 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_nothing_that_a_module_keeps_is_of_a_run_that_only_looks(axis: int) -> None:
    x = (torch.rand(8, 3, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    x = x.transpose(0, axis).contiguous()
    torch.manual_seed(0)
    net = KeepsFirstCall(axis).eval()
    theirs = deepcopy(net)(x)
    assert 0.1 < float(theirs.mean()) < 0.9
    (ours,) = compile_model(net, target="gpu", precision="float", example=x).run(x).outputs.values()
    assert np.array_equal(ours, theirs.detach().numpy())
