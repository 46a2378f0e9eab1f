"""Casts keep the values; what would change the number type is refused."""

from __future__ import annotations

import torch

from frontend.function_rules.queries import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor


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


class TestQueries(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
