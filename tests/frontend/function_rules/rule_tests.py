"""The tests that every table of rules has, for the file of tests of its module to inherit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest
import torch

Compute = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], object]
"""A function of x and y, which are timed, and of s, which is static."""


class RuleTests:
    """Each rule in torch's own terms, and what has none."""

    rules: ClassVar[Mapping[str, object]]
    """The table of the module."""
    cases: ClassVar[Mapping[str, Compute]]
    """Name of a rule -> a function that calls it."""
    refused: ClassVar[Mapping[str, tuple[Compute, str]]]
    """What it is -> a function that cannot be imported, and how the rule of its error begins."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per case."""
        for argument, names in (("name", self.cases), ("case", self.refused)):
            if argument in metafunc.fixturenames:
                metafunc.parametrize(argument, names)

    def test_every_rule_has_a_case(self) -> None:
        assert self.cases.keys() == self.rules.keys()

    def test_rule_agrees_with_torch(self, name: str, check_rule: Any) -> None:
        check_rule(name, self.cases[name])

    def test_what_has_no_rule_is_one_error(self, case: str, check_refused: Any) -> None:
        check_refused(*self.refused[case])
