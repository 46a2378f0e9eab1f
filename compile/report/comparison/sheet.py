"""A table of texts, in the forms in which tables are passed on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ir.errors import printable

GAP = "  "
WIDEST = 40
"""Characters that a terminal shows of a cell."""
LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
"""What LaTeX takes for its own -> how it is written."""


@dataclass(frozen=True)
class Sheet:
    """Rows of cells under heads."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    """So many columns hold words; those behind them hold numbers, and stand at their right."""

    def text(self, width: int) -> str:
        """For a terminal; where it is too narrow the columns go on below, behind those of words again."""
        lines = [[_shortened(printable(cell)) for cell in line] for line in (self.head, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        blocks = _blocks(widths, self.words, width)
        return "\n\n".join("\n".join(self._line(line, widths, columns) for line in lines) for columns in blocks)

    def markdown(self) -> str:
        """A table of Markdown."""
        rule = ["---" if column < self.words else "---:" for column in range(len(self.head))]
        lines = [
            [re.sub(r"([|\\`*_<])", r"\\\1", cell).replace("\n", " ") for cell in line]
            for line in (self.head, *self.rows)
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))

    def csv(self) -> str:
        """Values separated by commas, RFC 4180."""
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([self.head, *self.rows])
        return stream.getvalue().rstrip("\n")

    def latex(self) -> str:
        """A tabular that needs the package booktabs."""
        head, *rows = (" & ".join(map(_latex, line)) + r" \\" for line in (self.head, *self.rows))
        columns = "l" * self.words + "r" * (len(self.head) - self.words)
        return "\n".join(
            [
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                head,
                r"\midrule",
                *rows,
                r"\bottomrule",
                r"\end{tabular}",
            ]
        )

    def _line(self, cells: Sequence[str], widths: Sequence[int], columns: Sequence[int]) -> str:
        padded = (
            cells[column].ljust(widths[column]) if column < self.words else cells[column].rjust(widths[column])
            for column in columns
        )
        return GAP.join(padded).rstrip()


def _blocks(widths: Sequence[int], lead: int, width: int) -> Iterator[Sequence[int]]:
    """Which columns stand beside each other: the `lead` first ones, and as many others as fit."""
    columns, first = [*range(lead)], sum(widths[:lead]) + len(GAP) * (lead - 1)
    used = first
    for column in range(lead, len(widths)):
        if len(columns) > lead and used + len(GAP) + widths[column] > width:
            yield columns
            columns, used = [*range(lead)], first
        columns.append(column)
        used += len(GAP) + widths[column]
    yield columns


def _shortened(text: str) -> str:
    """A text in one line; of a long one, as a path, the end."""
    line = " ".join(text.split())
    return line if len(line) <= WIDEST else f"…{line[1 - WIDEST :]}"


def _latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in text).replace("\n", " ")
