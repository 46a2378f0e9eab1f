"""
Program files of earlier formats: one pure function per format, which makes a file of it one of the next.

Who changes the format raises `NUMBER`, adds the function from the one before, and a file of that one to `tests/data/programs`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compile.version import version
from ir.errors import CompileError

FORMAT = "spike-compiler-program/"
NUMBER = 3
"""Of the format that is written."""
HEAD = "program.json"


PHASE = ("scales", "membranes", "lengths")
"""What is said of every phase."""


@dataclass(frozen=True)
class FileContent:
    """What is in a file."""

    head: Mapping[str, Any]
    """All but graphs and arrays."""
    members: Mapping[str, bytes]


def _with_origin(content: FileContent) -> FileContent:
    """From 1 to 2: format 1 knows one phase, and nothing of the network that the program was compiled from."""
    head = {key: value for key, value in content.head.items() if key not in PHASE}
    phase = {key: content.head.get(key) for key in PHASE}
    arrays = {f"phase1.{name}": own for name, own in content.head["arrays"].items()}
    texts = {f"phase1.{name}.txt": content.members[f"{name}.txt"] for name in content.head["arrays"]}
    head |= {"format": f"{FORMAT}2", "origin": None, "phases": [phase], "arrays": arrays}
    return FileContent(head, {**content.members, **texts})


def _with_map(content: FileContent) -> FileContent:
    """From 2 to 3: format 2 has no map, so that the network gets the plain one."""
    origin = content.head["origin"]
    origin = None if origin is None else {**origin, "map": None}
    return FileContent({**content.head, "format": f"{FORMAT}3", "map": None, "origin": origin}, content.members)


MIGRATIONS: Mapping[int, Callable[[FileContent], FileContent]] = {1: _with_origin, 2: _with_map}
"""Number of a format -> what makes a file of the next one."""


def current_content(members: Mapping[str, bytes], path: Path) -> FileContent:
    """
    The content of a file in the present format.

    Raises:
        CompileError: it is no program, or one of a format that is not known here.
    """
    content = FileContent(json.loads(members[HEAD]), members)
    number = _number(content.head, path)
    while number < NUMBER:
        content, number = MIGRATIONS[number](content), number + 1
    return content


def _number(head: Mapping[str, Any], path: Path) -> int:
    stated = head["format"]
    if not isinstance(stated, str) or not stated.startswith(FORMAT):
        raise CompileError("program.file", "the file holds no program", where=str(path))
    number = stated.removeprefix(FORMAT)
    if not number.isdecimal() or int(number) not in (*MIGRATIONS, NUMBER):
        what = f"the format is {stated}, and this compiler ({version()}) reads {FORMAT}{min(MIGRATIONS)} to {NUMBER}"
        hint = f"read it with the compiler that wrote it ({head.get('compiler', '?')}), or compile the network again"
        raise CompileError("program.format", what, where=str(path), hint=hint)
    return int(number)
