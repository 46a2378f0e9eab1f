"""Tables of the page: cells of text, with the number behind it where a table is sorted by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """What one cell shows."""

    text: str
    value: float | None = None
    """What it is sorted by; None for text."""
    choice: str = ""
    """A cell of one of several columns that take turns: the name of its column."""


@dataclass(frozen=True)
class PageTable:
    """A table that can be copied; with many rows it can be sorted, too."""

    name: str
    """Unique on the page."""
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    choices: Sequence[str] = field(default_factory=tuple[str, ...])
    """Names of the columns that take turns, the first one shown first."""


def table(name: str, head: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> PageTable:
    """A table of texts and cells."""
    return PageTable(name, [Cell(text) for text in head], [[_cell(each) for each in row] for row in rows])


def counted(number: float | None) -> Cell:
    """A whole number."""
    return Cell("-") if number is None else Cell(f"{number:,.0f}", number)


def share(number: float | None, digits: int = 1) -> Cell:
    """A share of 1, in percent."""
    return Cell("-") if number is None else Cell(f"{100 * number:.{digits}f} %", number)


def _cell(content: str | Cell) -> Cell:
    return content if isinstance(content, Cell) else Cell(content)
