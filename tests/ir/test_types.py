"""Types print, parse and refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.types import CURRENT, REAL, SPIKE, Type, count, graded, parse_type

domains = st.one_of(
    st.sampled_from([SPIKE, CURRENT, REAL]), st.integers(1, 9).map(count), st.integers(1, 24).map(graded)
)
shapes = st.lists(st.integers(1, 99), max_size=4).map(tuple)


@given(st.builds(Type, shapes, domains, st.floats(1e-9, 1e9), st.booleans(), st.integers(0, 99)))
def test_round_trip(kind: Type):
    assert parse_type(str(kind)) == kind


def test_a_type_in_another_window_keeps_its_own():
    assert Type((3,)).moved(4, 8) == Type((3,), steps=4)
    assert Type((3,), steps=8).moved(4, 8) == Type((3,))
    assert Type((3,), steps=2).moved(4, 8) == Type((3,), steps=2)
    assert Type((3,), static=True).moved(4, 8) == Type((3,), static=True)


def test_one_population_is_a_spike():
    assert count(1) == SPIKE
    assert [kind.populations for kind in (SPIKE, count(3), graded(8), CURRENT, REAL)] == [1, 3, 1, 0, 0]


@pytest.mark.parametrize("text", ["", "spike", "spikes[3]", "spike[3", "spike[3x]y", "count[3]x"])
def test_refuses(text: str):
    with pytest.raises(CompileError, match=r"ir\.type"):
        parse_type(text)
