"""Values of a JSON file: what is there, and what is said of what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile.report.comparison.json_value import JsonValue
from ir.errors import CompileError

FILE = Path("run/report.json")
VALUE = JsonValue({"a": [{"b": 2, "c": None, "d": "x", "e": True, "f": 0.5}]}, FILE)


def test_values_are_reached_by_name_and_number():
    (entry,) = VALUE["a"].entries()
    assert (entry["b"].number(), entry["b"].whole(), entry["d"].text(), entry["e"].truth()) == (2, 2, "x", True)
    assert entry["f"].number() == 0.5
    assert entry.maybe("c") is entry.maybe("z") is None
    assert entry["b"].path == "a[0].b"
    assert VALUE["a"].shown() == "b=2, c=None, d=x, e=True, f=0.5"


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda value: value["b"], "b is missing"),
        (lambda value: value["a"]["b"], "a is not an object"),
        (lambda value: value["a"].entries()[0]["z"], "a[0].z is missing"),
        (lambda value: value["a"].entries()[0]["d"].number(), "a[0].d is not the number that it should be"),
        (lambda value: value["a"].entries()[0]["e"].number(), "a[0].e is not the number that it should be"),
        (lambda value: value["a"].entries()[0]["f"].whole(), "a[0].f is not the number that it should be"),
        (lambda value: JsonValue(10**400, FILE, "n").number(), "n is not the number that it should be"),
        (lambda value: value["a"].text(), "a is not a text"),
        (lambda value: value["a"].truth(), "a is not true or false"),
        (lambda value: value.entries(), "the file is not a list"),
    ],
)
def test_what_is_not_there_is_said_with_its_place(ask, what: str):
    with pytest.raises(CompileError) as caught:
        ask(VALUE)
    assert (caught.value.rule, caught.value.what, caught.value.where) == ("comparison.field", what, str(FILE))
