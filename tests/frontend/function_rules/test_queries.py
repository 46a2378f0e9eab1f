"""Casts keep the values; what would change the number type is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from frontend.function_rules.queries import RULES

Tensor = torch.Tensor
Compute = Callable[[Tensor, Tensor, Tensor], object]


CASES: dict[str, Compute] = {
    "float": lambda x, y, s: x.float(),
    "to": lambda x, y, s: x.to(torch.float32).to("cpu"),
    "type": lambda x, y, s: x.type(torch.float32),
    "type_as": lambda x, y, s: x.type_as(y),
    "cpu": lambda x, y, s: x.cpu(),
    "cuda": lambda x, y, s: x if not torch.cuda.is_available() else x.cuda().cpu(),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "double": (lambda x, y, s: x.double(), "import"),
    "half": (lambda x, y, s: x.to(torch.float16), "import.dtype"),
}


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_torch(name: str, check_rule: Any) -> None:
    check_rule(name, CASES[name])


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_rule_is_one_error(case: str, check_refused: Any) -> None:
    check_refused(*REFUSED[case])
