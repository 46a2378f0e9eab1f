"""Arguments in their own types, and what is refused."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from compile.command.arguments import domains, path, positive, strategies
from ir.errors import CompileError


def test_numbers_of_at_least_one():
    assert [positive(text) for text in ("1", "007", "12")] == [1, 7, 12]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", " 1", "1e3", "x", "½"])
def test_other_numbers_are_refused(text: str):
    with pytest.raises(ArgumentTypeError, match=r"is not a number of at least 1"):
        positive(text)


def test_a_name_is_a_path_and_no_name_is_not_the_current_folder():
    assert path("a/b") == Path("a/b")
    assert path(".") == Path()
    with pytest.raises(ArgumentTypeError, match="the name is empty"):
        path("")


def test_pairs_are_a_table_and_the_last_of_a_name_holds():
    assert strategies([]) == {}
    assert strategies(["attention=graded-a", "mask=and", "attention=graded-b"]) == {
        "attention": "graded-b",
        "mask": "and",
    }


@pytest.mark.parametrize("pair", ["attention", "attention=", "=graded-a", "a=b=c", "", "="])
def test_what_is_no_pair_is_named(pair: str):
    with pytest.raises(CompileError) as error:
        strategies(["mask=and", pair])
    assert error.value.rule == "cli.lower"
    assert repr(pair) in error.value.what


def test_an_input_has_one_domain():
    assert domains(["x=spike", "y=count:3"]) == {"x": "spike", "y": "count:3"}
    for second in ("x=real", "x=spike"):
        with pytest.raises(CompileError, match=r"cli\.domain\]: --domain x is stated twice"):
            domains(["x=spike", "y=real", second])
