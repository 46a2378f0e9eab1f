"""
Reads a profile from TOML, strictly: what the schema does not know is an error that names what it knows.

    title = "one line"
    extends = "loihi2"          # start from another profile (a name, or a path from this file) and override numbers
    energy_from = ["loihi1"]    # borrow prices that this chip has not published; they stay marked as borrowed
    timing_from = ["loihi1"]    # the same for times
    [energy]
    spike = { value = 1.7, unit = "pJ", kind = "estimated", source = "who says so", note = "optional" }

A number may have `low` and `high`, between which it lies. Decimal fractions are kept exact, so that energy sums are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeGuard, cast

from ir.errors import CompileError, known_names
from ir.profile import KINDS, TABLES, Number, Profile, Quantity
from ir.profile.quantity import NUMBERS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
BORROWED = {"energy_from": "energy", "timing_from": "timing"}
"""Key -> the table of which numbers may be borrowed."""
TOP_KEYS = ("title", "extends", *BORROWED)
EXACT = ("pJ", "ns", "mW")
"""Units of numbers that may be fractions."""
TOGETHER = {"mesh": ("input_column", "input_row")}
"""Table -> the keys of it that say something together only."""
PLACES = 60
"""Decimal places of such a number: with more of them, exact sums are slow, and nobody knows them."""
MAX_DEPTH = 32
"""Profiles that extend one another."""
QUANTITY_KEYS = ("value", "unit", "source", "kind", "note", "low", "high")

Quantities = dict[str, dict[str, Quantity]]


def names() -> tuple[str, ...]:
    """The names of the profiles that come with the compiler, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def chips() -> tuple[str, ...]:
    """The names of those that describe chips; the others are price tables alone."""
    return tuple(name for name in names() if load(name).is_chip)


def chip(name_or_path: str | Path) -> Profile:
    """A profile as `load`, which must be that of a chip: CompileError `profile.missing` where it can run nothing."""
    profile = _load(_path(name_or_path, Path(), chips), ())
    if profile.is_chip:
        return profile
    what = f"profile {profile.name} is no chip that runs networks: it has no table [features] or none [arithmetic]"
    raise CompileError(
        "profile.missing", what, where=profile.file, hint=f"chips: {', '.join(chips())}; ideal has no limits"
    )


def load(name_or_path: str | Path) -> Profile:
    """
    A profile by its name, or a user's own by the path of its TOML file.

    Raises:
        CompileError: `profile.name` unknown, `profile.file` unreadable, `profile.syntax` not TOML, `profile.key` an
            unknown or missing key, `profile.value` a wrong type, unit, kind or range, `profile.extends` a circle.
    """
    return _load(_path(name_or_path, Path()), ())


def _path(name_or_path: str | Path, folder: Path, offered: Callable[[], tuple[str, ...]] = names) -> Path:
    """The file of a profile; a relative path starts at `folder`, and `offered` are named where there is none of that name."""
    if str(name_or_path) in names():
        return FOLDER / f"{name_or_path}.toml"
    path = folder / name_or_path
    if path.suffix == ".toml" and "\0" not in str(path):
        return path
    hint = f"{known_names(str(name_or_path), offered())}; or a .toml file"
    raise CompileError("profile.name", f"unknown profile {str(name_or_path)!r}", hint=hint)


def _load(path: Path, readers: tuple[Path, ...]) -> Profile:
    real = Path(os.path.realpath(path))  # which takes links that lead in a circle for a file that is not there
    if real in readers:
        raise CompileError("profile.extends", f"profile {path.stem} inherits from itself", where=str(path))
    if len(readers) == MAX_DEPTH:
        raise CompileError("profile.extends", f"more than {MAX_DEPTH} profiles extend one another", where=str(path))
    readers = (*readers, real)
    content: dict[str, object] = _read(path)
    _check_keys(content, ("title",), (*TOP_KEYS, *TABLES), str(path), "top level")
    tables = _inherited(content.get("extends"), path, readers)
    for table in (name for name in TABLES if name in content):
        tables.setdefault(table, {}).update(_table(content[table], table, path))
    for table, quantities in tables.items():
        _check_complete(table, quantities, path)
    for key, table in BORROWED.items():
        for lender in _names(content.get(key, []), key, path):
            _borrow(tables, table, _load(_path(lender, path.parent), readers))
    _check_mesh(tables, path)
    return Profile(path.stem, _text(content["title"], "title", str(path)), str(path), tables)


def _read(path: Path) -> dict[str, object]:
    try:
        if path.exists() and not path.is_file():  # a pipe or a device may never end
            raise CompileError("profile.file", "the profile is no file", where=str(path))
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        what = f"cannot read the profile: {error.strerror}"
        raise CompileError("profile.file", what, where=str(path), hint=f"chips by name: {', '.join(chips())}") from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are both ValueErrors
        raise CompileError("profile.syntax", f"the profile is not TOML: {error}", where=str(path)) from None


def _inherited(base: object, path: Path, readers: tuple[Path, ...]) -> Quantities:
    """The base profile's quantities, or none without `extends`."""
    if base is None:
        return {}
    if not isinstance(base, str):
        raise CompileError("profile.value", f"extends must name one profile, not {base!r}", where=str(path))
    profile = _load(_path(base, path.parent), readers)
    return {name: dict(table) for name, table in profile.tables.items()}


def _borrow(tables: Quantities, table: str, lender: Profile) -> None:
    """Fill in what a table lacks, marked with the profile that states it."""
    own = tables.setdefault(table, {})
    for key, quantity in lender.tables.get(table, {}).items():
        own.setdefault(key, quantity if quantity.lender else replace(quantity, lender=lender.name))


def _names(value: object, key: str, path: Path) -> list[str]:
    if isinstance(value, list):
        items = cast("list[object]", value)
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) == len(items):
            return texts
    raise CompileError("profile.value", f"{key} must be a list of profile names, not {value!r}", where=str(path))


def _is_table(content: object) -> TypeGuard[dict[str, object]]:
    return isinstance(content, dict)


def _table(content: object, table: str, path: Path) -> dict[str, Quantity]:
    where = f"{path}  [{table}]"
    if not _is_table(content):
        raise CompileError("profile.value", f"{table} must be a table, not {content!r}", where=where)
    schema = _fields(table)
    _check_keys(content, (), tuple(schema), where, f"[{table}]")
    return {key: _quantity(value, schema[key], f"{where} {key}") for key, value in content.items()}


def _check_complete(table: str, quantities: Mapping[str, Quantity], path: Path) -> None:
    needed = [name for name, item in _fields(table).items() if item.default is MISSING]
    needed += [name for name in TOGETHER.get(table, ()) if quantities.keys() & TOGETHER[table]]
    _check_keys(quantities, tuple(needed), tuple(_fields(table)), f"{path}  [{table}]", f"[{table}]")


def _check_mesh(tables: Quantities, path: Path) -> None:
    """The cores of a chip find places."""
    mesh, cores = tables.get("mesh", {}), tables.get("limits", {}).get("cores_per_chip")
    if cores is None or not {"columns", "rows"} <= mesh.keys():
        return
    columns, rows = mesh["columns"].value, mesh["rows"].value
    if columns * rows < cores.value:
        what = (
            f"{columns} columns and {rows} rows of cores are {columns * rows} places, cores_per_chip is {cores.value}"
        )
        hint = "state columns and rows that have room for all cores of the chip"
        raise CompileError("profile.value", what, where=f"{path}  [mesh]", hint=hint)


def _fields(table: str) -> dict[str, Field[Any]]:
    return {item.name: item for item in fields(TABLES[table])}


def _quantity(content: object, item: Field[Any], where: str) -> Quantity:
    if not _is_table(content):
        what = f"a bare {content!r}; every number needs a source"
        raise CompileError(
            "profile.value", what, where=where, hint=f"write an inline table with {', '.join(QUANTITY_KEYS[:4])}"
        )
    _check_keys(content, QUANTITY_KEYS[:4], QUANTITY_KEYS, where, item.name)
    texts = {key: _text(content[key], key, where) for key in QUANTITY_KEYS[1:5] if key in content}
    unit = item.metadata["unit"]
    if texts["unit"] != unit:
        raise CompileError("profile.value", f"the unit is {texts['unit']!r}, must be {unit!r}", where=where)
    if texts["kind"] not in KINDS:
        raise CompileError(
            "profile.value", f"unknown kind {texts['kind']!r}", where=where, hint=f"known: {', '.join(KINDS)}"
        )
    numbers = {key: _value(content[key], item, where) for key in NUMBERS if key in content}
    value = numbers["value"]
    if not numbers.get("low", value) <= value <= numbers.get("high", value):
        raise CompileError("profile.value", f"{float(value):g} does not lie between low and high", where=where)
    given: dict[str, Any] = {**numbers, **texts}
    return Quantity(**given)


def _text(value: object, key: str, where: str) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise CompileError("profile.value", f"{key} must be a text that says something, not {value!r}", where=where)


def _value(value: object, item: Field[Any], where: str) -> Number:
    """The number in the type of its table: flag, whole number, or exact price."""
    unit = item.metadata["unit"]
    if unit == "flag":
        if isinstance(value, bool):
            return value
        raise CompileError("profile.value", f"{value!r} is not true or false", where=where)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not Decimal(value).is_finite():
        raise CompileError("profile.value", f"{str(value)!r} is not a finite number", where=where)
    if cast("int", Decimal(value).as_tuple().exponent) < -PLACES:
        raise CompileError("profile.value", f"{value} has more than {PLACES} decimal places", where=where)
    if value < item.metadata["least"]:
        raise CompileError(
            "profile.value", f"{value} is below {item.metadata['least']}, the least that makes sense", where=where
        )
    if value > item.metadata["most"]:
        raise CompileError(
            "profile.value", f"{value} is above {item.metadata['most']}, the most that is computed", where=where
        )
    if unit in EXACT:
        return Fraction(value)
    if isinstance(value, int):
        return value
    raise CompileError("profile.value", f"{value} is not a whole number of {unit}", where=where)


def _check_keys(
    content: Mapping[str, object], needed: tuple[str, ...], legal: tuple[str, ...], where: str, owner: str
) -> None:
    unknown = [key for key in content if key not in legal]
    missing = [key for key in needed if key not in content]
    for keys, state in ((unknown, "unknown"), (missing, "missing")):
        if keys:
            what = f"{owner}: {state} key {', '.join(keys)}"
            raise CompileError("profile.key", what, where=where, hint=known_names(keys[0], legal))
