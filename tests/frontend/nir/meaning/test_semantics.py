"""Options and their values: which are known, in which type, and the table that is printed of them."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from frontend.nir.meaning.semantics import OPTIONS, Semantics, checked, count, positive, real, rows
from ir.errors import CompileError


def test_every_option_is_a_field_whose_canonical_value_is_one_of_its_own() -> None:
    assert [field.name for field in fields(Semantics)] == list(OPTIONS)
    for name, value in Semantics().options().items():
        assert value is None or checked(name, value) == value
        assert (value is None) == (name == "dt")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("dt", "1e-3", 0.001),
        ("dt", 1, 1.0),
        ("v0", "v_leak", "v_leak"),
        ("v0", "-0.5", -0.5),
        ("reset", "subtract", "subtract"),
        ("max_spikes", "0", 0),
        ("max_spikes", 3.0, 3),
        ("latency", 1 << 20, 1 << 20),
    ],
)
def test_values_come_in_their_own_type(name: str, value: Any, expected: Any) -> None:
    assert checked(name, value) == expected
    assert type(checked(name, value)) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("dt", 0, "a number above 0"),
        ("dt", "fast", "a number above 0"),
        ("dt", None, "a number above 0"),
        ("dt", float("inf"), "a number above 0"),
        ("reset", "soft", "value, subtract, subtract_once, none"),
        ("reset", 1, "value, subtract, subtract_once, none"),
        ("v0", True, "zero, v_leak, v_reset, a number"),
        ("v0", float("nan"), "zero, v_leak, v_reset, a number"),
        ("max_spikes", 1.5, "a whole number up to 1048576, 0 for no limit"),
        ("latency", -1, "a whole number up to 1048576"),
        ("latency", (1 << 20) + 1, "a whole number up to 1048576"),
    ],
)
def test_other_values_are_refused_with_those_that_are_known(name: str, value: Any, known: str) -> None:
    with pytest.raises(CompileError) as caught:
        checked(name, value)
    assert caught.value.rule == "semantics.value"
    assert f"{name} cannot be {value!r}" in caught.value.what
    assert caught.value.hint == f"known: {known}"


def test_unknown_options_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(CompileError, match="unknown option 'tau'") as caught:
        checked("tau", 1)
    assert caught.value.hint == f"known: {', '.join(OPTIONS)}, preset"


def test_numbers() -> None:
    assert (positive("2"), real("-2"), count("2")) == (2.0, -2.0, 2)
    for read, value in ((positive, 0), (positive, -1), (real, True), (real, "x"), (count, 0.5), (count, -1)):
        with pytest.raises(ValueError, match=re.escape(str(value))):
            read(value)


def test_the_table_marks_the_canonical_value_of_every_option() -> None:
    table = rows()
    assert list(dict.fromkeys(name for name, _, _ in table)) == list(OPTIONS)
    marked = [(name, value) for name, value, meaning in table if "(canonical: " in meaning]
    canonical = Semantics().options()
    assert [name for name, _ in marked] == [name for name in OPTIONS if canonical[name] is not None]
    assert all(value == canonical[name] for name, value in marked if OPTIONS[name].values)
    assert ("latency", "a whole number up to 1048576", "steps between a spike and its arrival (canonical: 0)") in table
