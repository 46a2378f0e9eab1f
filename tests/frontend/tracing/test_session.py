"""What a run under observation refuses: values that decide, chance, writes, outputs that are none; and that it leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from frontend.function_rules import FUNCTION_RULES
from frontend.recording.recorder import Recorder
from frontend.tracing.session import Session
from ir.errors import CompileError
from ir.types import REAL, SPIKE, Type, count, parse_type

Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


REFUSED: dict[str, tuple[Compute, str]] = {
    "control flow": (lambda x, y, s: x if x.sum() > 1 else y, "import"),
    "item": (lambda x, y, s: x * float(x.sum((2, 3)).sum(0)[0]), "import"),
    "numpy": (lambda x, y, s: x + torch.from_numpy(x.numpy()), "import.finite"),
    "number of numpy": (lambda x, y, s: x + float(x.numpy().mean()), "import.values"),
    "random": (lambda x, y, s: x + torch.rand(6), "import.random"),
    "random like": (lambda x, y, s: x + torch.randn_like(x), "import.random"),
    "out": (lambda x, y, s: torch.add(x, y, out=torch.empty_like(x)), "import"),
    "constant of a computed number": (lambda x, y, s: x + torch.full_like(x, y.sum((2, 3)).sum(0)[0]), "import"),
    "constant output": (lambda x, y, s: torch.ones(3), "import.outputs"),
    "no tensor": (lambda x, y, s: {"a": x, "b": object()}, "import.outputs"),
    "output without batch first": (lambda x, y, s: s.permute(1, 2, 0), "import.outputs"),
    "batch after features": (lambda x, y, s: x.transpose(1, 2), "import.outputs"),
    "own exception": (lambda x, y, s: x @ y, "import.forward"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])


def test_a_rule_that_contradicts_torch_is_one_error(check_refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTION_RULES, "neg", FUNCTION_RULES["get_mT"])
    error = check_refused(lambda x, y, s: -x, "import.function")
    assert error.rule == "import.function"
    assert "neg made a tensor of shape (3, 5, 4, 6), its rule says" in error.what


class Outer(nn.Module):
    def __init__(self, compute: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.compute = compute
        self.inner = nn.ModuleList([nn.Identity(), nn.Linear(5, 2)])

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)


def session(compute: Callable[[Any, Tensor], Any]) -> Session:
    net = Outer(compute).eval()
    return Session(net, Recorder("net", 4, 3, {id(net.inner[1].weight): "w", id(net.inner[1].bias): "b"}))


def test_an_example_of_any_batch_becomes_the_traced_one() -> None:
    run = session(lambda net, x: x)
    example = torch.arange(4 * 2 * 5.0).reshape(4, 2, 5)
    x = run.input("x", example, parse_type("real[5]"))
    assert torch.equal(x, example[:, [0, 1, 0]])
    assert torch.equal(run.input("s", example[0], parse_type("real[5] static")), example[0, [0, 1, 0]])
    graph = run.recorder.build({"y": run.output("y", x)})
    assert [str(node.type) for node in graph.inputs] == ["real[5]", "real[5] static"]


def test_inputs_are_of_the_domain_that_is_said() -> None:
    run = session(lambda net, x: x)
    values = torch.ones(4, 3, 5)
    for name, domain in (("x", SPIKE), ("y", count(3)), ("z", REAL)):
        run.input(name, values, Type((5,), domain))
    graph = run.recorder.build({"y": "x"})
    assert [str(node.type) for node in graph.inputs] == ["spike[5]", "count<3>[5]", "real[5]"]


def test_nodes_are_named_after_the_module_that_runs() -> None:
    run = session(lambda net, x: net.inner[1](net.inner[0](x)) * 2)
    result = run.run({"x": run.input("x", torch.rand(4, 3, 5), Type((5,)))})
    graph = run.recorder.build({"y": run.output("y", result)})
    assert list(graph.nodes) == ["x", "inner.1", "mul"]
    assert [node.provenance.module for node in graph.nodes.values()] == ["", "inner.1", ""]
    assert dict(graph.nodes["inner.1"].params) == {"weight": "w", "bias": "b"}


class Quantized(NamedTuple):
    """Weights in the form of other libraries: tensors that are none themselves, and give functions their value."""

    value: Tensor
    scale: Tensor

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*(each.value if isinstance(each, Quantized) else each for each in args), **(kwargs or {}))


def test_weights_that_are_no_tensors_themselves_are_seen_as_their_value() -> None:
    weight = Quantized(torch.rand(2, 5), torch.tensor(0.1))
    run = session(lambda net, x: nn.functional.linear(x, weight))  # pyright: ignore[reportArgumentType]
    result = run.run({"x": run.input("x", torch.rand(4, 3, 5), Type((5,)))})
    graph = run.recorder.build({"y": run.output("y", result)})
    assert [node.op.kind for node in graph.nodes.values()] == ["input", "linear"]
    assert np.array_equal(graph.arrays([*graph.nodes.values()][-1])["weight"], weight.value)


def test_an_error_names_the_module_in_which_it_happens() -> None:
    def compute(net: Any, x: Tensor) -> Tensor:
        return net.inner[1](x[..., :3])

    run = session(compute)
    with pytest.raises(CompileError, match="the model raised RuntimeError") as caught:
        run.run({"x": run.input("x", torch.rand(4, 3, 5), Type((5,)))})
    assert (caught.value.rule, caught.value.where) == ("import.forward", "inner.1")
