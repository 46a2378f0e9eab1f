"""Elementwise functions: as torch computes them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from frontend.function_rules.elementwise import RULES
from frontend.tracing.trace import trace_module
from ir.ops.host.functions import PLAIN
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor


def _plain(name: str) -> Compute:
    """A function of the name on values of either sign where it is in torch.nn.functional, on positive ones elsewhere."""
    plain = getattr(F, name, None)
    return lambda x, y, s: plain(x - y) if plain else getattr(torch, name)(x)


def _observed(x: Tensor, rows: bool, observes: int = 0) -> Tensor:
    """torch.ao's fused observer and quantiser, along the last axis or as a whole."""
    n = x.shape[-1] if rows else 1
    flags, low, high = torch.tensor([observes]), torch.zeros(n), torch.ones(n)
    scale, zero = torch.linspace(0.01, 0.02, n), torch.ones(n, dtype=torch.int32)
    quantised = (torch.tensor([1]), low, high, scale, zero, 0.01, -8, 7, x.ndim - 1, rows, False)
    return torch.fused_moving_avg_obs_fake_quant(x, flags, *quantised)


CASES: dict[str, Compute] = {
    "pow": lambda x, y, s: torch.pow(x, 2) + x.pow(1.5) + x**0.5 + x.pow(1),
    "reciprocal": lambda x, y, s: x.reciprocal(),
    "square": lambda x, y, s: torch.square(x),
    "sqrt": lambda x, y, s: x.sqrt(),
    "neg": lambda x, y, s: torch.neg(x),
    "negative": lambda x, y, s: x.negative(),
    "abs": lambda x, y, s: (x - y).abs(),
    "absolute": lambda x, y, s: torch.absolute(x - 0.5),
    "exp": lambda x, y, s: x.exp(),
    "log": lambda x, y, s: torch.log(x),
    "clamp": lambda x, y, s: x.clamp(min=0.4),
    "clamp_min": lambda x, y, s: x.clamp_min(0.4),
    "clip": lambda x, y, s: torch.clip(x, 0.3),
    "relu": lambda x, y, s: F.relu(x - y),
    "round": lambda x, y, s: torch.round(8 * x - y) + (16 * y).round().clamp(-3, 3) + (4 * x).clamp(0, 2),
    "clamp_max": lambda x, y, s: (
        x.clamp(torch.tensor(-0.1), torch.tensor(0.2)) + (x - y).clamp_max(0.2) + x.clamp(0.3, 0.6) + y.clamp(max=0.5)
    ),
    "relu6": lambda x, y, s: F.relu6(8 * x - y),
    "hardtanh": lambda x, y, s: F.hardtanh(x - y, -0.2, 0.3) + F.hardtanh(3 * x),
    "gelu": lambda x, y, s: F.gelu(x - y) + F.gelu(x - y, approximate="tanh"),
    "elu": lambda x, y, s: F.elu(x - y, 0.5),
    "celu": lambda x, y, s: F.celu(x - y, 0.5),
    "leaky_relu": lambda x, y, s: F.leaky_relu(x - y, 0.2) + F.leaky_relu(x - y),
    "prelu": lambda x, y, s: (
        F.prelu(x - y, torch.tensor([0.2]))
        + F.prelu((x - y).flatten(0, 1), torch.arange(4.0) / 8).unflatten(0, (3, -1))
    ),
    "softplus": lambda x, y, s: F.softplus(x - y) + F.softplus(30 * x, 2.0, 15.0),
    **{name: _plain(name) for name in PLAIN if name not in ("gelu", "logsigmoid")},
    "fake_quantize_per_tensor_affine": lambda x, y, s: (
        torch.fake_quantize_per_tensor_affine(x - y, 0.03, 3, -8, 7)
        + torch.fake_quantize_per_tensor_affine(x, torch.tensor(1 / 255), torch.tensor(0, dtype=torch.int32), 0, 255)
    ),
    "fake_quantize_per_channel_affine": lambda x, y, s: torch.fake_quantize_per_channel_affine(
        x - y,
        torch.linspace(0.01, 0.04, x.shape[-1]),
        torch.full((x.shape[-1],), 2, dtype=torch.int32),
        x.ndim - 1,
        -8,
        7,
    ),
    "fused_moving_avg_obs_fake_quant": lambda x, y, s: _observed(x - y, False) + _observed(x, True),
    "log_sigmoid": lambda x, y, s: F.logsigmoid(x - y),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "power of a tensor": (lambda x, y, s: x**y, "import.power"),
    "decimals": (lambda x, y, s: torch.round(x, decimals=1), "import.round"),
    "an observer": (lambda x, y, s: _observed(x, False, observes=1), "import.quantize"),
    "channels with zero points of their own": (
        lambda x, y, s: torch.fake_quantize_per_channel_affine(
            x, torch.full((x.shape[-1],), 0.1), torch.arange(x.shape[-1]).int(), x.ndim - 1, -8, 7
        ),
        "import.quantize",
    ),
    "limit that is computed": (lambda x, y, s: torch.clamp(x, y, y + 1), "import.clamp"),
}


class TestElementwise(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


def test_spikes_are_above_zero_already():
    net = nn.Sequential(nn.Linear(4, 5), LIFNode(step_mode="m"), nn.ReLU(), nn.Linear(5, 3), LIFNode(step_mode="m"))
    graph = trace_module(net.eval(), {"input": torch.rand(3, 2, 4)}, (), 3, "net")
    assert [node.op.kind for node in graph.nodes.values()] == ["input", "linear", "lif", "linear", "lif"]
