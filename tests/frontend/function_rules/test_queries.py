"""Casts keep the values; what would change the number type is refused."""

from __future__ import annotations

import torch

from frontend.function_rules.queries import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor


CASES: dict[str, Compute] = {
    "float": lambda x, y, s: x.float(),
    "byte": lambda x, y, s: (x > 0).byte().float() + (y > 0).sum(-1, keepdim=True).float().byte(),
    "short": lambda x, y, s: (x > 0).short().float() + (y > 0).float().sum(2, keepdim=True).short(),
    "int": lambda x, y, s: (x > 0).float().sum(0).int() + (y > 0).int(),
    "long": lambda x, y, s: (x > 0).long() + (y > 0).float().sum(2, keepdim=True).long(),
    "to": lambda x, y, s: x.to(torch.float32).to("cpu") + torch.tensor(0.5, dtype=torch.float64).to(y),
    "type": lambda x, y, s: x.type(torch.float32),
    "type_as": lambda x, y, s: (
        x.type_as(y) * torch.arange(6).type_as(x) + torch.ones(6).expand_as(x) - x.new_tensor([0.5])
    ),
    "cpu": lambda x, y, s: x.cpu(),
    "cuda": lambda x, y, s: x if not torch.cuda.is_available() else x.cuda().cpu(),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "double": (lambda x, y, s: x.double(), "import"),
    "membranes as truth": (lambda x, y, s: x.to(torch.bool), "import.dtype"),
    "numbers as integers": (lambda x, y, s: x.long(), "import.dtype"),
    "means as integers": (lambda x, y, s: (x > 0).float().mean(0).to(torch.int32), "import.dtype"),
    "counts as truth": (lambda x, y, s: (x > 0).float().sum(0).to(torch.bool), "import.dtype"),
    "half": (lambda x, y, s: x.to(torch.float16), "import.dtype"),
}


class TestQueries(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
