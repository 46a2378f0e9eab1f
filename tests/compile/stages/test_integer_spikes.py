"""Integer spikes `round(clamp(x, 0, D)) / D` in whole networks: floats, integers and Lava count what the module counts, at ties too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from compile import compile_model
from ir.errors import DeployError

torch.set_num_threads(1)
Tensor = torch.Tensor
LEVELS = (1, 2, 4, 8)


class Quant(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, most: int) -> Tensor:
        return torch.round(torch.clamp(x, min=0, max=most))


class Spikes(nn.Module):
    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        return Quant.apply(x, self.most) / self.most


def _halves(module: nn.Module) -> nn.Module:
    """Weights in halves and quarters, so that integers hold them and sums often lie on ties."""
    generator = torch.Generator().manual_seed(1)
    for array in module.parameters():
        array.data = torch.randint(-3, 5, array.shape, generator=generator) / 2
    return module


class Layers(nn.Module):
    """Linear layers of T steps."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.a, self.b, self.first, self.second = nn.Linear(6, 12), nn.Linear(12, 8), Spikes(most), Spikes(most)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.b(self.first(self.a(x))))


class Pictures(nn.Module):
    """Convolutions, a maximum of counts, a residual sum of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.fc = nn.Linear(16, 5)
        self.first, self.second, self.third = Spikes(most), Spikes(most), Spikes(most)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.a(x))
        x = F.max_pool2d(self.second(self.b(x)) + x, 2)
        return self.third(self.fc(x.flatten(1)))


class Attention(nn.Module):
    """Q (K^T V) or (Q K^T) V of counts."""

    def __init__(self, most: int, keys_first: bool) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(5, 4) for _ in range(3))
        self.fire = nn.ModuleList(Spikes(most) for _ in range(4))
        self.keys_first, self.most = keys_first, most

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (fire(layer(x)) for fire, layer in zip(self.fire, (self.q, self.k, self.v), strict=False))
        k = k.transpose(-1, -2)
        return self.fire[3]((q @ (k @ v) if self.keys_first else (q @ k) @ v) * self.most**2 / 2)


NETS: dict[str, tuple[Callable[[int], nn.Module], tuple[int, ...], dict[str, Any]]] = {
    "layers": (Layers, (3, 20, 6), {}),
    "pictures": (Pictures, (20, 2, 4, 4), {"static": ("x",), "steps": 1}),
    "keys first": (lambda most: Attention(most, True), (2, 10, 3, 5), {}),
    "queries first": (lambda most: Attention(most, False), (2, 10, 3, 5), {}),
}


def case(name: str, most: int) -> tuple[nn.Module, Tensor, dict[str, Any], np.ndarray[Any, Any]]:
    make, shape, options = NETS[name]
    x = (torch.rand(shape, generator=torch.Generator().manual_seed(2)) < 0.5).float()
    net = _halves(make(most))
    with torch.no_grad():
        wanted = net(x).numpy()
    assert len(np.unique(wanted)) > most // 2, "several levels fire"
    return net, x, options, wanted


def same(name: str, most: int, **options: Any) -> None:
    net, x, also, wanted = case(name, most)
    (found,) = compile_model(net, example=x, **also, **options).run(x).outputs.values()
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("most", LEVELS)
@pytest.mark.parametrize("precision", ["float", "int"])
@pytest.mark.parametrize("name", NETS)
def test_counts_are_the_modules(name: str, precision: str, most: int) -> None:
    same(name, most, target="gpu", precision=precision)


@pytest.mark.parametrize("most", LEVELS)
@pytest.mark.parametrize("name", ["layers", "pictures"])
def test_a_chip_without_payloads_counts_too(name: str, most: int) -> None:
    same(name, most, target="gpu", profile="loihi1")


@pytest.mark.lava
@pytest.mark.parametrize(("name", "emission"), [*((name, "fused") for name in NETS), ("layers", "stock")])
def test_lava_counts_the_same(name: str, emission: str) -> None:
    same(name, 4 if emission == "fused" else 2, target="loihi", emission=emission)


@pytest.mark.lava
def test_every_level_takes_synaptic_events() -> None:
    """A spike that four levels of twelve neurons read makes 48 events, in the reference as in Lava."""
    net, x, also, _ = case("layers", 4)
    program = compile_model(net, "gpu", example=x, **also)
    traces = [program.run(x), program.on("loihi").run(x)]
    assert traces[0].events == traces[1].events
    assert traces[0].events.synaptic["a"] == 48 * int(x.sum())


def test_memory_that_counts_are_taken_from_is_refused_by_name() -> None:
    class Updated(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mem, spike, out = 0.0, 0.0, []
            for step in x:
                mem = (mem - spike) * 0.25 + step
                spike = Quant.apply(mem, 4)
                out.append(spike)
            return torch.stack(out)

    net, x = nn.Sequential(nn.Linear(4, 3), Updated()), torch.ones(3, 2, 4)
    with pytest.raises(DeployError, match="which no single level knows"):
        compile_model(net, "gpu", example=x)
    assert compile_model(net, "gpu", example=x, precision="float").run(x).outputs
    assert compile_model(net, "gpu", example=x[:1]).run(x[:1]).outputs
