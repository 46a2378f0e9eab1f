"""Every way to write a comparison with a number, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from frontend.tracing.written.comparisons import clamped_to, compared, compares, counted, is_firing, plain_name
from frontend.tracing.written.loops.recognition import Firing
from ir.errors import CompileError

MEM = torch.zeros(2, 3)


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("__gt__", (MEM, 0.5), Firing(0.5, ">")),
        ("gt", (MEM, torch.tensor(0.5)), Firing(0.5, ">")),
        ("ge", (MEM, 1), Firing(1.0, ">=")),
        ("greater_equal", (MEM, 1), Firing(1.0, ">=")),
        ("lt", (torch.tensor(0.5), MEM), Firing(0.5, ">")),
        ("less", (torch.tensor(0.5), MEM), Firing(0.5, ">")),
        ("less_equal", (torch.tensor([0.5]), MEM), Firing(0.5, ">=")),
        ("lt", (MEM, 0.5), Firing(0.5, ">=", below=True)),
        ("less", (MEM, 0.5), Firing(0.5, ">=", below=True)),
        ("less_equal", (MEM, 0.5), Firing(0.5, ">", below=True)),
        ("gt", (torch.tensor(0.5), MEM), Firing(0.5, ">=", below=True)),
        ("greater", (torch.tensor(0.5), MEM), Firing(0.5, ">=", below=True)),
        ("__ge__", (torch.tensor(0.5), MEM), Firing(0.5, ">", below=True)),
        ("heaviside", (MEM, torch.tensor(0.0)), Firing(0.0, ">")),
        ("heaviside", (MEM, torch.tensor(1.0)), Firing(0.0, ">=")),
    ],
)
def test_comparisons(name: str, args: tuple[Any, ...], expected: Firing) -> None:
    assert is_firing(name)
    tensor, firing, than = compared(name, args, {})
    assert tensor is MEM
    assert than is None
    assert firing == expected


def test_a_value_at_0_that_is_no_spike_is_refused() -> None:
    with pytest.raises(CompileError, match="no spike") as caught:
        compared("heaviside", (MEM, torch.tensor(0.5)), {})
    assert caught.value.rule == "import.comparison"


@pytest.mark.parametrize(
    ("name", "turned", "comparator"),
    [("gt", False, ">"), ("ge", False, ">="), ("__lt__", True, ">"), ("less_equal", True, ">=")],
)
def test_the_larger_one_of_two_tensors_fires(name: str, turned: bool, comparator: str) -> None:
    threshold = torch.ones(3)
    tensor, firing, than = compared(name, (threshold, MEM) if turned else (MEM, threshold), {})
    assert (tensor is MEM, than is threshold, firing) == (True, True, Firing(0.0, comparator))


@pytest.mark.parametrize(("name", "comparator"), [("lt", ">="), ("le", ">")])
def test_what_lies_below_a_tensor_is_the_complement_of_what_fires(name: str, comparator: str) -> None:
    threshold = torch.ones(3)
    tensor, firing, than = compared(name, (MEM, threshold), {}).turned()
    assert (tensor is MEM, than is threshold, firing) == (True, True, Firing(0.0, comparator, below=True))


def test_names_and_clamps() -> None:
    assert [plain_name(name) for name in ("__rsub__", "add_", "mul")] == ["rsub", "add", "mul"]
    assert not is_firing("add")
    assert [compares(name) for name in ("__gt__", "less", "heaviside", "round")] == [True, True, True, False]
    assert clamped_to("clamp", (MEM, 0, 4), {}) == clamped_to("clip", (MEM,), {"min": 0, "max": 4.0}) == 4
    for other in ((MEM, 0), (MEM, -1, 4), (MEM, 0, 2.5)):
        assert clamped_to("clamp", other, {}) is None
    assert clamped_to("add", (MEM, 0, 4), {}) is None
    assert counted("round", (MEM, 4)) == (MEM, Firing(1.0, "round", 4), None)
    assert counted("floor_", (MEM, 4)) == (MEM, Firing(1.0, ">=", 4), None)
    with pytest.raises(CompileError, match="was not clamped"):
        counted("round", None)
