"""What users and files state about semantics: a preset's name, options, or both; as text, as a dictionary, as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontend.nir.meaning.semantics import OPTIONS, Semantics, checked
from frontend.nir.meaning.semantics_presets import preset
from frontend.type_guards import is_mapping
from ir.errors import CompileError

SemanticsLike = str | Mapping[str, Any] | Semantics | None
"""
What a caller may say about semantics: `"snntorch"`, `"snntorch,reset=value"`, `"reset=subtract,threshold=ge"`, a dictionary of
options in which `preset` may name a preset, all options as `Semantics`, or nothing.
"""


@dataclass(frozen=True)
class SemanticsStatement:
    """What somebody states, in one form."""

    options: Mapping[str, Any]
    """Option -> value, in its own type."""
    preset: str = ""
    """Name of the preset that fills in the rest, "" where there is none."""


NOTHING = SemanticsStatement({})


def parse_semantics(stated: SemanticsLike) -> SemanticsStatement:
    """
    The statement that a caller makes.

    Raises:
        CompileError: for names and values that are not known, and options stated twice.
    """
    if stated is None:
        return NOTHING
    if isinstance(stated, Semantics):
        return SemanticsStatement({key: value for key, value in stated.options().items() if value is not None})
    if isinstance(stated, str):
        return _of_mapping(_pairs(stated))
    if is_mapping(stated):
        return _of_mapping(stated)
    kind = type(stated).__name__
    raise CompileError("semantics.option", f"semantics cannot be a {kind}", hint="a preset's name or a dictionary")


def _pairs(text: str) -> dict[str, Any]:
    """Name -> value of a text with commas; a name alone is that of a preset."""
    pairs: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        name, value = (name, value) if equals else ("preset", name)
        if name in pairs:
            raise CompileError("semantics.option", f"{name} is stated twice in {text!r}")
        pairs[name] = value
    return pairs


def _of_mapping(stated: Mapping[str, Any]) -> SemanticsStatement:
    options = {name: checked(name, value) for name, value in stated.items() if name != "preset"}
    name = str(stated.get("preset", ""))
    if name:
        preset(name)  # refuses one that does not exist
    return SemanticsStatement(options, name)


def metadata_of(semantics: Semantics) -> dict[str, str]:
    """What a written file says in its graph's metadata so that it is read back as it was meant."""
    options = {key: value for key, value in semantics.options().items() if value is not None and key != "dt"}
    step = {} if semantics.dt is None else {"dt": repr(semantics.dt)}
    return {**step, "semantics": json.dumps(options)}


def semantics_in_metadata(metadata: Mapping[str, Any]) -> tuple[SemanticsStatement, list[str]]:
    """
    What a graph's metadata states, and remarks on entries that are named like options but hold something else.

    It states `semantics` (text or group as in `parse_semantics`, or JSON) and entries named like options.

    Raises:
        CompileError: for a `dt` that is no time step, and unknown names and values in `semantics`.
    """
    entries = {name: _plain(metadata[name]) for name in OPTIONS if name in metadata}
    options, remarks = dict[str, Any](), list[str]()
    for name, value in entries.items():
        try:
            options[name] = checked(name, value)
        except CompileError as error:
            if name == "dt":
                raise CompileError(
                    "nir.dt", f"the graph's metadata says dt = {value!r}", hint="a number above 0"
                ) from None
            remarks.append(f"metadata {name} is not read as semantics: {error.what}")
    try:
        whole = _whole(metadata.get("semantics"))
    except CompileError as error:
        if isinstance(metadata["semantics"], Mapping) or "{" in metadata["semantics"]:
            raise
        whole = NOTHING
        remarks.append(f"metadata semantics is a text of another kind and is not read: {error.what}")
    return SemanticsStatement({**whole.options, **options}, whole.preset), remarks


def _whole(value: Mapping[str, Any] | str | float | None) -> SemanticsStatement:
    """The statement in the metadata's entry `semantics`; nothing where that is missing or no text."""
    if isinstance(value, Mapping):
        return parse_semantics({name: _plain(item) for name, item in value.items()})
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return parse_semantics(json.loads(value))
        except ValueError:
            raise CompileError("semantics.option", "the metadata's semantics are not JSON") from None
    return parse_semantics(value) if isinstance(value, str) else NOTHING


def _plain(value: Any) -> Any:
    """A number or text as Python has it: files hold arrays of one element."""
    item = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "size", 0) == 1 else value
