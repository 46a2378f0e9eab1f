"""
What a user can fix, said in one shape: rule, what is wrong, where in the model, and what to do about it.

Every other exception is our own bug. Exit codes are part of the command line's contract: 2 for bad usage or input,
3 for a network that the chosen target cannot run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

FEW = 8
"""So many names are all of them shown."""
LONGEST = 2000
"""Characters of a text of the user's that an error shows."""


def printable(text: str) -> str:
    r"""
    A text that may be anybody's, for a terminal: what is neither a letter nor a line break is escaped.

    >>> printable("\x1b[31mred\n\ud800")
    '\\x1b[31mred\n\\ud800'
    """
    shown = (c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
    return "".join(shown)


def _shortened(text: str) -> str:
    """The beginning of a text that is long."""
    rest = len(text) - LONGEST
    return f"{text[:LONGEST]}... ({rest:,} characters more)" if rest > 0 else text


def known_names(name: str, known: Iterable[str]) -> str:
    """
    A hint for a name that is not known: all that are where they are few, else the two or three that are most like it.

    >>> known_names("int8", ["int", "float"])
    'known: int, float'
    >>> known_names("cumsun", [*map(str, range(9)), "cumsum", "add"])
    'known names like it: cumsum'
    """
    names = list(dict.fromkeys(known))
    if len(names) <= FEW:
        return f"known: {', '.join(names) or 'none'}"
    close = get_close_matches(name, names, 3, cutoff=0.5)
    return f"known names like it: {', '.join(close)}" if close else f"none of the {len(names)} known names is like it"


def first_names(names: Sequence[str], most: int) -> str:
    """
    The first of many names, and how many more there are.

    >>> first_names(["a", "b", "c"], 3), first_names(["a", "b", "c", "d"], 3)
    ('a, b, c', 'a, b, c and 1 more')
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def no_file(path: Path) -> str:
    """What is wrong with a path where a regular file should be and is none."""
    return (
        "it is a folder, not a file" if path.is_dir() else "it is no regular file" if path.exists() else "no such file"
    )


class CompileError(Exception):
    """
    A mistake in the user's input, model or options.

    `rule` is a stable dotted identifier, `where` the model's module path or file, `hint` the way out. What users' texts in them
    could do to a terminal is left out.
    """

    exit_code = 2

    def __init__(self, rule: str, what: str, *, where: str = "", hint: str = "") -> None:
        self.rule = rule
        self.what, self.where, self.hint = (printable(_shortened(text)) for text in (what, where, hint))
        super().__init__(rule, what)

    def placed(self, where: str) -> CompileError:
        """The same error, at a place of the model if it has none yet."""
        return CompileError(self.rule, self.what, where=self.where or where, hint=self.hint)

    def __str__(self) -> str:
        lines = [f"error[{self.rule}]: {self.what}"]
        if self.where:
            lines.append(f"  where   {self.where}")
        if self.hint:
            lines.append(f"  hint    {self.hint}")
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One limit or rule of a target or profile that one node breaks."""

    rule: str
    """Stable dotted identifier, as of every error."""
    what: str
    """What is wrong, with number and limit where there are such."""
    where: str
    """The model's module path, or the network's name."""
    hint: str
    """The way out."""
    node: str = ""
    """The node's name in the graph; "" where it is about the whole."""
    number: int | None = None
    """What the node needs, in the limit's unit; None for a rule without numbers."""
    limit: int | None = None
    """What there is."""
    unit: str = ""
    """What both count."""

    def text(self) -> str:
        """The violation in the layout that every error has."""
        return str(CompileError(self.rule, self.what, where=self.where, hint=self.hint))


class DeployError(CompileError):
    """The network is sound, but the target cannot run it; carries every violation found, not only the first."""

    exit_code = 3

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        first = self.violations[0]
        super().__init__(first.rule, first.what, where=first.where, hint=first.hint)
        self.args = (self.violations,)  # what it is made of again in another process

    def __str__(self) -> str:
        counted = [each for each in self.violations if each.limit is not None]
        if len(counted) < 2:
            return "\n".join(each.text() for each in self.violations)
        return "\n".join([_limits_text(counted), *(each.text() for each in self.violations if each.limit is None)])


def _limits_text(violations: Sequence[Violation]) -> str:
    """Limits that are exceeded as one table, and below it, rule by rule, what would help."""
    rules = dict.fromkeys((each.rule, each.hint) for each in violations)
    rows = [("rule", "node", "where", "needs", "limit", "times"), *map(_limit_row, violations)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    names = ", ".join(dict.fromkeys(rule for rule, _ in rules))
    title = f"error[{names}]: {len(violations)} limits of the profile are exceeded"
    return "\n  ".join([title, *lines, *(f"hint[{rule}] {printable(hint)}" for rule, hint in rules if hint)])


def _limit_row(violation: Violation) -> tuple[str, ...]:
    number, limit = violation.number or 0, violation.limit or 0
    times = f"{number / limit:.3g}" if limit else ""
    where = printable(violation.where)
    return (violation.rule, f"%{violation.node}", where, f"{number:,} {violation.unit}".rstrip(), f"{limit:,}", times)
