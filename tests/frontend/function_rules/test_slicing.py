"""Parts of features and steps: as torch computes them; time and batch stay whole."""

from __future__ import annotations

import torch

from frontend.function_rules.slicing import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

Tensor = torch.Tensor


CASES: dict[str, Compute] = {
    "__getitem__": lambda x, y, s: x[:, :, 1:3, None, -2] + x[..., 2:4, 3].unsqueeze(3) + x[None][0][:][:, :, :2, :1],
    "index_select": lambda x, y, s: (
        (
            x.index_select(3, torch.tensor([4, 0, 0]))
            + x[..., [-1, 2, 3]]
            + x[..., torch.tensor([True, False] * 3)]
            + x[..., ::2]
        )[:, :, torch.tensor([2])]
        + torch.index_select(y[:, :, :1, :3], 2, torch.tensor([0, 0]))
    ),
    "narrow": lambda x, y, s: x.narrow(2, 1, 2),
    "select": lambda x, y, s: x.select(-1, -1) + x.select(3, 0),
    "split": lambda x, y, s: x.split(4, dim=-1)[1] + torch.split(x, [2, 3, 1], dim=-1)[0],
    "chunk": lambda x, y, s: x.chunk(2, dim=-1)[0] * x.chunk(2, -1)[1],
    "tensor_split": lambda x, y, s: (
        torch.tensor_split(x, 4, dim=-1)[2] + x.tensor_split((2, 3), dim=2)[1] + x.tensor_split((1,), -1)[0]
    ),
    "diff": lambda x, y, s: x.diff() + torch.diff(y, n=2, dim=-1, prepend=torch.zeros_like(y[..., :1])),
    "unbind": lambda x, y, s: x.unbind(2)[1] - x.unbind(2)[3],
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "one sample": (lambda x, y, s: x[:, 0], "import.axes"),
    "two indices": (lambda x, y, s: x[:, :, [0, 1], [1, 2]], "import.index"),
    "an index and a number": (lambda x, y, s: x[0, :, [1, 2]], "import.index"),
    "a mask of two dimensions": (lambda x, y, s: x[:, :, torch.eye(4, 6).bool()], "import.index"),
    "a computed index": (lambda x, y, s: x[:, :, s[0, 0, :2].argmax(-1, keepdim=True)], "import"),
    "nothing": (lambda x, y, s: x[:, :, 2:2], "import.index"),
    "every other sample": (lambda x, y, s: x[:, ::2], "import.axes"),
}


class TestSlicing(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
