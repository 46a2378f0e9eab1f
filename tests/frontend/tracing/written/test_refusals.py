"""Membranes that are cast, clamped, or taken by a function say what happened to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from frontend.tracing.trace import trace_module
from frontend.tracing.written.refusals import check_dtype, used_as_value
from ir.errors import CompileError


class Written(nn.Module):
    def __init__(self, change: Callable[[Tensor], Tensor], late: bool) -> None:
        super().__init__()
        self.change, self.late = change, late

    def forward(self, x: Tensor) -> Tensor:
        mem = spike = torch.zeros_like(x[0])
        out: list[Tensor] = []
        for step in x:
            mem = self.change(mem) * (1 - spike) * 0.5 + step if self.late else mem * 0.5 + step
            spike = (mem > 0.25).float()
            mem = mem if self.late else self.change(mem) * (1 - spike)
            out.append(spike)
        return torch.stack(out)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m: m.bool(), r"is cast to torch.bool \(bool\)"),
        (lambda m: m * m.to(torch.bool), r"is cast to torch.bool \(to\)"),
        (lambda m: m.long(), r"is cast to torch.int64 \(long\)"),
        (lambda m: m.double().float(), r"is cast to torch.float64 \(double\)"),
        (torch.tanh, r"is used as a value \(tanh\)"),
    ],
)
def test_a_membrane_that_is_no_linear_one(change: Callable[[Tensor], Tensor], what: str, late: bool) -> None:
    x = torch.randint(-4, 9, (5, 3, 7), generator=torch.Generator().manual_seed(0)) / 4
    with pytest.raises(CompileError, match=what) as caught:
        trace_module(Written(change, late).eval(), {"x": x}, [], 5, "net")
    assert caught.value.rule == "import.state"


def test_integers_may_stay_integers() -> None:
    count = torch.ones(2, dtype=torch.int64)
    check_dtype("add", [count], count + count, torch.float32)
    check_dtype("float", [count], count.float(), torch.float32)
    assert "(relu_)" in used_as_value("relu_").what
