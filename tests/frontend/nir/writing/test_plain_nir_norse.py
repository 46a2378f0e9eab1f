"""
A spiking attention lowered to plain NIR, loaded by NIRTorch and run by Norse's neurons: the same spikes, ties included.

Norse's own `from_nir` (1.1.0) is not used: it orders nodes by a walk that visits a node before its second operand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import nirtorch
import pytest
import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

import hw_profiles
from frontend.nir.round_trip.file import write_nir
from frontend.nir.writing.plain_nir import plain_nir
from frontend.tracing.trace import trace_module
from ir.interpreter import interpret
from ir.pipeline.pipeline import lower

lif_box = pytest.importorskip("norse.torch.module.lif_box", reason="norse is not installed")

STEPS, TOKENS, WIDTH = 4, 5, 8


class TokenAttention(nn.Module):
    """Q-K token attention with a residual: a token passes where its query fires anywhere; integer weights, so ties abound."""

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.q, self.k = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.proj = nn.Linear(WIDTH, WIDTH)
        for linear in (self.q, self.k, self.proj):
            linear.weight.data = torch.randint(-2, 3, (WIDTH, WIDTH), generator=rng).float()
        self.proj.bias.data = torch.randint(-1, 2, (WIDTH,), generator=rng).float()
        self.q_lif, self.k_lif, self.proj_lif = (LIFNode(step_mode="m") for _ in range(3))
        self.mask_lif = LIFNode(v_threshold=0.5, step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = self.mask_lif(self.q_lif(self.q(x)).sum(-1, keepdim=True))
        return self.proj_lif(self.proj(mask * self.k_lif(self.k(x)))) + x


def norse_neuron(node: Any) -> nn.Module:
    parameters = lif_box.LIFBoxParameters(
        tau_mem_inv=1 / torch.from_numpy(node.tau),
        v_th=torch.from_numpy(node.v_threshold),
        v_leak=torch.from_numpy(node.v_leak),
    )
    return lif_box.LIFBoxCell(parameters, dt=1.0)


def dense(node: Any) -> nn.Module:
    outputs, inputs = node.weight.shape
    linear = nn.Linear(inputs, outputs, bias=hasattr(node, "bias"))
    linear.weight.data = torch.from_numpy(node.weight)
    if hasattr(node, "bias"):
        linear.bias.data = torch.from_numpy(node.bias)
    return linear


def run_in_norse(path: Path, x: torch.Tensor) -> torch.Tensor:
    """(T, B, size) through the file, step by step."""
    wire = lambda _node: nn.Identity()
    layers = {nir.Linear: dense, nir.Affine: dense, nir.Input: wire, nir.Output: wire}
    network = nirtorch.nir_to_torch(nir.read(path), {nir.LIF: norse_neuron}, default_map=layers)
    state, out = None, []
    for step in x:
        y, state = network(step, state)
        out.append(y)
    return torch.stack(out)


@pytest.mark.filterwarnings("ignore")
def test_norse_fires_the_same_spikes(tmp_path: Path) -> None:
    net = TokenAttention().eval()
    x = (torch.rand(STEPS, 64, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], STEPS, "attention")
    lowered = lower(graph, hw_profiles.load("ideal"), {})
    plain = plain_nir(lowered.chip)
    assert plain.graph is not None
    write_nir(plain.graph, tmp_path / "lowered.nir")
    with torch.no_grad():
        theirs = run_in_norse(tmp_path / "lowered.nir", x.flatten(2))
        source = net(x)
    assert torch.equal(interpret(graph, {"x": x})["output"], source)
    assert torch.equal(theirs.reshape(source.shape), source)
    assert 0.2 < (source > x).float().mean() < 0.8
