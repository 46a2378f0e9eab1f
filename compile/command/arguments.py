"""Arguments of the command lines in their own types; argparse says what is wrong with them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ir.errors import CompileError


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def path(text: str) -> Path:
    """A path; an empty name, as an unset variable of a script gives it, would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def strategies(pairs: Sequence[str]) -> dict[str, str]:
    """`attention=graded-a` pairs as a table; CompileError where one is none."""
    return _table(pairs, "lower", "OP=STRATEGY", "see --list strategies")


def domains(pairs: Sequence[str]) -> dict[str, str]:
    """`x=count:3` pairs as a table; CompileError where one is none."""
    table = _table(pairs, "domain", "INPUT=DOMAIN", "for example --domain x=count:3")
    if len(table) < len(pairs):
        names = [pair.split("=")[0] for pair in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CompileError("cli.domain", f"--domain {twice} is stated twice", hint="leave one of them out")
    return table


def _table(pairs: Sequence[str], flag: str, form: str, hint: str) -> dict[str, str]:
    bad = [pair for pair in pairs if pair.count("=") != 1 or "" in pair.split("=")]
    if bad:
        raise CompileError(f"cli.{flag}", f"--{flag} {bad[0]!r} is not {form}", hint=hint)
    return dict(pair.split("=") for pair in pairs)
