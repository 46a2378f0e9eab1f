"""Errors of a training are the compiler's; the first line of anything's text can be had."""

from __future__ import annotations

from ir.errors import CompileError
from models.training.training_error import TrainingError, first_line


class Odd(Exception):
    def __str__(self) -> str:
        raise KeyError


def test_it_is_an_error_as_the_compiler_has_them() -> None:
    error = TrainingError("w.pt is a folder", hint="another --out")
    assert isinstance(error, CompileError)
    assert (str(error), error.exit_code) == ("error[training]: w.pt is a folder\n  hint    another --out", 2)


def test_the_first_line_of_a_text() -> None:
    assert [first_line(error) for error in (ValueError("a\nb"), ValueError(), Odd())] == ["a", "", "it cannot be shown"]
