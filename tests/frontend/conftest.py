"""Functions of tensors that are traced: run by torch and by the imported graph, or refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from frontend.function_rules import FUNCTION_RULES
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret

torch.set_num_threads(1)
STEPS, SHAPE = 3, (4, 6)
Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


class Net(nn.Module):
    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, x: Tensor, y: Tensor, s: Tensor) -> object:
        return self.compute(x, y, s)


def example(batch: int, seed: int) -> dict[str, Tensor]:
    """x and y are timed, s is static; positive values, so that roots and logarithms exist."""
    rng = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(STEPS, batch, *SHAPE, generator=rng) + 0.1 for _ in range(2))
    return {"x": x, "y": y, "s": torch.rand(batch, *SHAPE, generator=rng) + 0.1}


ABSENT = {"cuda", *{"rename"}.difference(dir(torch.Tensor))}
"""What a case cannot call: without a GPU, and in a torch whose dimensions have no names."""


@pytest.fixture
def trace_function() -> Callable[[Compute], Graph]:
    """trace_function(compute): the graph of compute(x, y, s), x and y of shape (3, B, 4, 6), s without time."""
    return lambda compute: trace_module(Net(compute).eval(), example(2, 0), ["s"], STEPS, "net")


@pytest.fixture
def check_rule(
    trace_function: Callable[[Compute], Graph], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Compute], None]:
    """check_rule(name, compute): compute calls the rule of that name, and its graph agrees with torch."""

    def check(name: str, compute: Compute) -> None:
        calls, rule = list[str](), FUNCTION_RULES[name]

        def counted(*args: object, **kwargs: object) -> object:
            calls.append(name)
            return rule(*args, **kwargs)

        monkeypatch.setitem(FUNCTION_RULES, name, counted)
        assert_agrees(trace_function(compute), compute)
        if name not in ABSENT:
            assert calls, f"the case does not call {name}"

    return check


def assert_agrees(graph: Graph, compute: Compute) -> None:
    inputs = example(4, 1)
    theirs = compute(**inputs)
    assert isinstance(theirs, Tensor)
    expected = theirs if graph.nodes[graph.outputs["output"]].type.static is False else theirs[None]
    for convert in (lambda a: a, lambda a: a.numpy()):
        arrays = {key: convert(value if key != "s" else value[None]) for key, value in inputs.items()}
        ours = interpret(graph, arrays)["output"]
        assert tuple(ours.shape) == tuple(expected.shape)
        np.testing.assert_allclose(np.asarray(ours), expected.numpy(), rtol=2e-6, atol=1e-6)


@pytest.fixture
def check_refused(trace_function: Callable[[Compute], Graph]) -> Callable[[Compute, str], CompileError]:
    """check_refused(compute, rule): the error of a rule that begins so, at a place in the model."""

    def check(compute: Compute, rule: str) -> CompileError:
        with pytest.raises(CompileError) as caught:
            trace_function(compute)
        assert caught.value.rule.startswith(rule)
        assert caught.value.where
        return caught.value

    return check
