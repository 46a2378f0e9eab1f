"""Reads a JSON file that somebody else may have written: what is missing there, or of another kind, is said with its place."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ir.errors import CompileError

KINDS: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
"""What JSON makes in Python -> in words."""
MOST = sys.float_info.max


@dataclass(frozen=True)
class JsonValue:
    """One value, by its path below the root of its file."""

    content: Any
    file: Path
    path: str = ""

    def __getitem__(self, name: str) -> JsonValue:
        """A member of an object; CompileError where there is none."""
        members = self._as(dict)
        if name not in members:
            self._refuse(f"{self._below(name)} is missing")
        return JsonValue(members[name], self.file, self._below(name))

    def maybe(self, name: str) -> JsonValue | None:
        """A member of an object; None where it is missing or null."""
        return None if self._as(dict).get(name) is None else self[name]

    def members(self) -> Mapping[str, JsonValue]:
        """All of an object."""
        return {name: self[name] for name in self._as(dict)}

    def entries(self) -> Sequence[JsonValue]:
        """All of a list."""
        return [JsonValue(each, self.file, f"{self.path}[{number}]") for number, each in enumerate(self._as(list))]

    def text(self) -> str:
        """A text."""
        return self._as(str)

    def truth(self) -> bool:
        """True or false."""
        return self._as(bool)

    def number(self) -> float:
        """A number; whole ones stay whole."""
        if isinstance(self.content, float):
            return self.content
        return self.whole()

    def whole(self) -> int:
        """A whole number, of those that a float could hold, too."""
        if isinstance(self.content, bool) or not isinstance(self.content, int) or abs(self.content) > MOST:
            self._refuse(f"{self.path} is not the number that it should be")
        return self.content

    def shown(self) -> str:
        """Anything at all, as a reader would write it: objects as NAME=VALUE."""
        if isinstance(self.content, dict):
            return ", ".join(f"{name}={own.shown()}" for name, own in self.members().items())
        if isinstance(self.content, list):
            return ", ".join(own.shown() for own in self.entries())
        return str(self.content)

    def _as(self, kind: type) -> Any:
        if not isinstance(self.content, kind):
            self._refuse(f"{self.path or 'the file'} is not {KINDS[kind]}")
        return self.content

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _refuse(self, what: str) -> NoReturn:
        hint = "it is not what the compiler writes: run the network again with --out"
        raise CompileError("comparison.field", what, where=str(self.file), hint=hint)
