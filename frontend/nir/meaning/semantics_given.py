"""What users and files say about semantics: a preset's name, options, or both; as text, as a dictionary, as metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontend.nir.meaning.semantics import OPTIONS, Semantics, checked
from frontend.nir.meaning.semantics_presets import preset
from ir.errors import CompileError


@dataclass(frozen=True)
class Given:
    """Options that somebody stated, and the preset that fills in the rest ("" where nobody named one)."""

    options: Mapping[str, Any]
    preset: str = ""


NOTHING = Given({})


def given(stated: str | Mapping[str, Any] | Semantics | None) -> Given:
    """
    `"snntorch"`, `"snntorch,reset=value"`, `"reset=subtract,threshold=ge"`, a dictionary of the options in which `preset`
    may name a preset, or a whole `Semantics`.

    Raises:
        CompileError: for names and values that are not known, and options stated twice.
    """
    if stated is None:
        return NOTHING
    if isinstance(stated, Semantics):
        return Given({key: value for key, value in stated.options().items() if value is not None})
    if isinstance(stated, str):
        return _of_mapping(_pairs(stated))
    if isinstance(stated, Mapping):
        return _of_mapping(stated)
    kind = type(stated).__name__
    raise CompileError("semantics.option", f"semantics cannot be a {kind}", hint="a preset's name or a dictionary")


def _pairs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        name, value = (name, value) if equals else ("preset", name)
        if name in found:
            raise CompileError("semantics.option", f"{name} is stated twice in {text!r}")
        found[name] = value
    return found


def _of_mapping(stated: Mapping[str, Any]) -> Given:
    options = {name: checked(name, value) for name, value in stated.items() if name != "preset"}
    name = str(stated.get("preset", ""))
    if name:
        preset(name)
    return Given(options, name)


def metadata_of(semantics: Semantics) -> dict[str, str]:
    """What a written file says in its graph's metadata so that it is read back as it was meant."""
    options = {key: value for key, value in semantics.options().items() if value is not None and key != "dt"}
    step = {} if semantics.dt is None else {"dt": repr(semantics.dt)}
    return {**step, "semantics": json.dumps(options)}


def given_in_metadata(metadata: Mapping[str, Any]) -> tuple[Given, list[str]]:
    """
    What a graph's metadata states: `semantics` (as text or group, in the forms of `given`, or JSON) and entries named like
    options; and the entries that are named like options but hold something else, in words.

    Raises:
        CompileError: for a `dt` that is no time step, and unknown names and values in `semantics`.
    """
    entries = {name: _plain(metadata[name]) for name in OPTIONS if name in metadata}
    options, strange = dict[str, Any](), list[str]()
    for name, value in entries.items():
        try:
            options[name] = checked(name, value)
        except CompileError as error:
            if name == "dt":
                raise CompileError(
                    "nir.dt", f"the graph's metadata says dt = {value!r}", hint="a number above 0"
                ) from None
            strange.append(f"metadata {name} is not read as semantics: {error.what}")
    try:
        whole = _whole(metadata.get("semantics"))
    except CompileError as error:
        if isinstance(metadata["semantics"], Mapping) or "{" in metadata["semantics"]:
            raise
        whole = NOTHING
        strange.append(f"metadata semantics is a text of another kind and is not read: {error.what}")
    return Given({**whole.options, **options}, whole.preset), strange


def _whole(value: Any) -> Given:
    if isinstance(value, Mapping):
        return given({name: _plain(item) for name, item in value.items()})
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return given(json.loads(value))
        except ValueError:
            raise CompileError("semantics.option", "the metadata's semantics are not JSON") from None
    return given(value) if isinstance(value, str) else NOTHING


def _plain(value: Any) -> Any:
    """A number or text as Python has it: files hold arrays of one element."""
    item = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "size", 0) == 1 else value
