"""Domains of inputs from a user's call to the chip: shown, stated, refused, on chips with and without payloads."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from torch import nn

from compile import compile_model
from ir.errors import CompileError

STEPS = 4


class Residual(nn.Module):
    """Counts that are added to spikes, as in QKFormer's blocks."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.first = nn.Linear(16, 16, bias=False), neuron.LIFNode(step_mode="m")
        self.b, self.last = nn.Linear(16, 16, bias=False), neuron.LIFNode(step_mode="m")
        for layer in (self.a, self.b):
            layer.weight.data = torch.randint(-8, 9, (16, 16)) / 16.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.b(x + self.first(self.a(x))))


def counts(largest: int = 2) -> torch.Tensor:
    values = torch.randint(0, largest + 1, (STEPS, 30, 16), generator=torch.Generator().manual_seed(1)).float()
    values[0, 0, 0] = largest
    return values


def spikes_of(module: nn.Module, x: torch.Tensor) -> Any:
    functional.reset_net(module)
    with torch.no_grad():
        result = module(x).numpy()
    functional.reset_net(module)
    return result


@pytest.mark.parametrize("profile", ["loihi2", "loihi1"])
def test_counts_lose_no_spike_in_integers(profile: str):
    module, x = Residual().eval(), counts()
    program = compile_model(module, target="gpu", example=x, profile=profile)
    assert str(program.inputs["x"].domain) == "count<2>"
    assert "a" not in program.deployment.prologue.nodes
    assert np.array_equal(program.run(x).outputs["output"], spikes_of(module, x))


@pytest.mark.lava
@pytest.mark.parametrize("profile", ["loihi2", "loihi1"])
def test_counts_in_lava(profile: str):
    module, x = Residual().eval(), counts()
    ours, theirs = (compile_model(module, target, example=x, profile=profile).run(x) for target in ("loihi", "gpu"))
    assert np.array_equal(ours.outputs["output"], spikes_of(module, x))
    assert ours.events == theirs.events


def test_a_larger_count_is_refused_unless_it_was_stated():
    module, x = Residual().eval(), counts()
    with pytest.raises(CompileError, match="holds 5, but it is count<2>") as caught:
        compile_model(module, target="gpu", example=x).run(counts(5))
    assert "count<5>" in caught.value.hint
    stated = compile_model(module, target="gpu", example=x, domains={"x": "count<5>"})
    assert np.array_equal(stated.run(counts(5)).outputs["output"], spikes_of(module, counts(5)))
    with pytest.raises(CompileError, match=r"holds 0\.5"):
        stated.run(counts() / 2)


def test_what_is_stated_must_be_an_input_and_fit_the_example():
    module, x = Residual().eval(), counts()
    for domains, what in (({"y": "real"}, "no input 'y'"), ({"x": "spike"}, "holds 2"), ({"x": "counts"}, "cannot be")):
        with pytest.raises(CompileError, match=what):
            compile_model(module, target="gpu", example=x, domains=domains)


def test_a_nir_input_may_be_counts():
    ones = np.ones(3, np.float32)
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "w": nir.Linear(np.eye(3, dtype=np.float32)),
        "lif": nir.IF(r=ones, v_threshold=2 * ones),
        "output": nir.Output({"output": np.array([3])}),
    }
    graph = nir.NIRGraph(nodes, [("input", "w"), ("w", "lif"), ("lif", "output")])
    x = np.random.default_rng(0).integers(0, 4, (6, 5, 3)).astype(np.float32)
    for domains in ({}, {"input": "count<7>"}):
        program = compile_model(graph, target="gpu", dt=1.0, example=x, domains=domains)
        assert program.inputs["input"].domain.kind == "count"
        floats = compile_model(graph, target="gpu", dt=1.0, example=x, precision="float", domains=domains)
        assert np.array_equal(program.run(x).outputs["output"], floats.run(x).outputs["output"])
