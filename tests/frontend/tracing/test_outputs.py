"""What a forward pass returns, by name: tensors wherever they are, and what is no output."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from frontend.tracing.import_check import check_import
from frontend.tracing.outputs import named_outputs
from frontend.tracing.trace import trace_module
from ir.errors import CompileError

X = torch.ones(2)
Pair = namedtuple("Pair", "left right")


@dataclass
class Result:
    logits: Any
    hidden: Any = None


class ModelOutput(OrderedDict):
    """As the libraries of transformers have them."""


NAMES: dict[str, tuple[Any, list[str]]] = {
    "a tensor": (X, ["output"]),
    "a tuple": ((X, X), ["output0", "output1"]),
    "a list": ([X], ["output0"]),
    "logits and no hook": ((X, None), ["output0"]),
    "an empty hook": ((X, {}), ["output0"]),
    "numbers, texts, truth values": ((3, X, "a", True, 0.5), ["output1"]),
    "a dictionary": ({"a": X, "b": None}, ["a"]),
    "a dictionary in a tuple": ((X, {"a": X, "b": [X, X]}), ["output0", "output1.a", "output1.b.0", "output1.b.1"]),
    "a tuple in a dictionary": ({"heads": (X, X)}, ["heads.0", "heads.1"]),
    "a named tuple": (Pair(X, None), ["left"]),
    "a named tuple in a list": ([X, Pair(X, X)], ["output0", "output1.left", "output1.right"]),
    "a dataclass": (Result(X), ["logits"]),
    "a dataclass of tuples": (Result((X,), X), ["logits.0", "hidden"]),
    "an output of a library": (ModelOutput(logits=X, loss=None), ["logits"]),
    "Norse's pair with states": ((X, [None, Pair(X, X)]), ["output"]),
}


@pytest.mark.parametrize("case", NAMES)
def test_outputs_by_name(case: str) -> None:
    result, names = NAMES[case]
    found = named_outputs(result)
    assert list(found) == names
    assert all(tensor is X for tensor in found.values())


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "nothing that depends"),
        ((), "a tuple|nothing"),
        ((None, 3), "a tuple"),
        ({"a": object()}, "a is a object"),
        ((X, {1, 2}), "output1 is a set"),
    ],
)
def test_what_is_no_output_is_one_error(result: Any, text: str) -> None:
    with pytest.raises(CompileError, match=text) as caught:
        named_outputs(result)
    assert caught.value.rule == "import.outputs"


class Net(nn.Module):
    def __init__(self, compute: Any) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, x: torch.Tensor) -> Any:
        return self.compute(x)


@pytest.mark.parametrize("result", [{1: X, "1": X}, {"a": (X,), "a.0": X}])
def test_two_outputs_of_one_name_are_none_that_vanishes(result: Any) -> None:
    with pytest.raises(CompileError, match="2 outputs called"):
        named_outputs(result)


def test_constants_are_left_out_where_something_depends_on_the_input() -> None:
    net, x = Net(lambda x: {"y": x * 2, "loss": torch.zeros(()), "aux": None}).eval(), torch.rand(3, 2, 4)
    graph = trace_module(net, {"x": x}, [], 3, "net")
    assert list(graph.outputs) == ["y"]
    assert check_import(net, graph, {"x": x}).output_difference == 0


def test_an_output_beside_another_one_within_it() -> None:
    net, x = Net(lambda x: ((x * 2, None), {"half": x * 0.5})).eval(), torch.rand(3, 2, 4)
    graph = trace_module(net, {"x": x}, [], 3, "net")
    assert list(graph.outputs) == ["output0.0", "output1.half"]
    check_import(net, graph, {"x": x})
