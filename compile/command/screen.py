"""How wide the output is, and whether it has colours: a terminal as it is, anything else plain."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

from ir.errors import printable

WIDTH = 112
"""Of text that goes to no terminal, and the most that a terminal's sentences take."""
CODES: Mapping[str, str] = {"good": "\033[32m", "bad": "\033[31;1m", "head": "\033[1m"}
"""Style -> what turns it on."""
_OFF = "\033[0m"


@dataclass(frozen=True)
class Screen:
    """Where a report is shown."""

    width: int = WIDTH
    """In characters."""
    codes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Style -> what turns it on; empty where there are no colours."""

    def paint(self, text: str, style: str) -> str:
        """The text in a style, where there are colours."""
        return f"{self.codes[style]}{text}{_OFF}" if style in self.codes else text

    def wrapped(self, text: str) -> list[str]:
        """A sentence that may be longer than the screen, and hold anybody's names; what follows its label is aligned."""
        width = min(self.width, WIDTH)
        return textwrap.wrap(
            printable(text), width, subsequent_indent=" " * 9, break_on_hyphens=False, break_long_words=False
        )


def screen_of(stream: TextIO) -> Screen:
    """The screen behind a stream: colours on a terminal alone, unless NO_COLOR is set; COLUMNS goes before its width."""
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    if not stream.isatty():
        return Screen(width if "COLUMNS" in os.environ else WIDTH)
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Screen(width, {} if plain else CODES)
