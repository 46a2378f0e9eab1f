"""Every list has the entries of its table, one line each."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

import hw_profiles
from backends.targets import TARGETS
from compile.command.listing import LISTS, listing
from frontend.neuron_rules.table import NEURON_RULES
from ir.errors import CompileError
from ir.lowerings.table import LOWERINGS
from ir.ops import OPS


@pytest.mark.parametrize("what", LISTS)
def test_every_entry_has_one_line_with_a_text_in_the_second_column(what: str):
    rows = LISTS[what]()
    lines = listing(what).splitlines()
    assert len(lines) == len(rows) > 1
    width = max(len(name) for name, _ in rows)
    for line, (name, text) in zip(lines, rows, strict=True):
        assert line == f"{name}{' ' * (width - len(name))}  {text}"
        assert text.strip()
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("ops", OPS),
        ("profiles", hw_profiles.chips()),
        ("prices", hw_profiles.names()),
        ("targets", TARGETS),
        ("rules", NEURON_RULES),
    ],
)
def test_a_list_is_its_table(what: str, names: Iterable[str]):
    expected = list(names)
    assert [name for name, _ in LISTS[what]()][: len(expected)] == expected  # rules go on with functions


def test_strategies_are_those_with_a_choice_and_say_what_they_need():
    stated = dict(LISTS["strategies"]())
    assert set(stated) == {f"{op}={name}" for op, table in LOWERINGS.items() if len(table) > 1 for name in table}
    assert "(needs graded_spikes, programmable_neurons)" in stated["attention=graded-a"]
    assert "needs" not in stated["attention=time-coded"]


def test_what_is_not_there_to_list_is_refused_with_what_is():
    with pytest.raises(CompileError) as error:
        listing("nothing")
    assert (error.value.rule, error.value.hint) == ("cli.list", f"known: {', '.join(LISTS)}")
