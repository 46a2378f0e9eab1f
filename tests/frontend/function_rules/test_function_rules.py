"""The table of all rules: every module's are in it, under a name each, and what has none says why."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
import torch

from frontend import function_rules as package
from frontend.function_rules import FUNCTION_RULES, function_name, is_in_place, rule_name
from frontend.function_rules.queries import LIKE, QUERIES, RANDOM, VALUES
from ir.errors import CompileError


def test_every_module_s_rules_are_in_the_table_under_names_of_their_own() -> None:
    """Each of those tests compares its own rules with its cases; together they are all."""
    modules = [
        importlib.import_module(f"{package.__name__}.{item.name}") for item in pkgutil.iter_modules(package.__path__)
    ]
    tables = [module.RULES for module in modules if hasattr(module, "RULES")]
    assert len(tables) == len(modules)
    assert {name: rule for table in tables for name, rule in table.items()} == FUNCTION_RULES
    assert sum(map(len, tables)) == len(FUNCTION_RULES)


def test_what_is_answered_made_or_refused_has_no_rule() -> None:
    groups = [QUERIES, LIKE, VALUES, RANDOM, FUNCTION_RULES.keys()]
    assert sum(map(len, groups)) == len(frozenset().union(*groups))


def test_names_of_functions() -> None:
    assert function_name(torch.relu) == "relu"
    assert function_name(torch.Tensor.add_) == "add_"
    assert function_name(torch.Tensor.shape.__get__) == "get_shape"
    assert function_name(torch.Tensor.data.__set__) == "set_data"


@pytest.mark.parametrize(("name", "expected"), [("add_", True), ("add", False), ("__add__", False), ("_add_", True)])
def test_functions_that_write_in_place(name: str, expected: bool) -> None:
    assert is_in_place(name) is expected


def test_the_rule_of_a_name() -> None:
    assert rule_name("add") == "add"
    assert rule_name("mul_") == "mul"
    assert rule_name("requires_grad_") == "requires_grad_"


@pytest.mark.parametrize(
    ("name", "rule", "what"),
    [
        ("item", "import.values", "looks at computed numbers (item)"),
        ("cross", "import.function", "no rule for the function cross"),
        ("cross_", "import.in_place", "cross_ writes into a tensor"),
        ("__setitem__", "import.in_place", "__setitem__ writes"),
        ("set_data", "import.in_place", "set_data writes"),
    ],
)
def test_no_rule_has_a_reason(name: str, rule: str, what: str) -> None:
    with pytest.raises(CompileError) as caught:
        rule_name(name)
    assert caught.value.rule == rule
    assert what in caught.value.what


REFUSED: dict[str, Any] = {
    "unknown function": lambda x, y, s: torch.trace(x),
    "eigenvalues": lambda x, y, s: torch.linalg.svdvals(x),
    "equality": lambda x, y, s: (x == 0.5).float(),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_one_error(case: str, check_refused: Any) -> None:
    error = check_refused(REFUSED[case], "import.function")
    assert len(error.hint) < 100
