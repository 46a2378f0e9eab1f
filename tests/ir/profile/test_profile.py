"""A profile as passes and reports read it: typed numbers, quantities with their origin, tables that may be missing."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from fractions import Fraction

import pytest

import hw_profiles
from ir.errors import CompileError
from ir.profile import TABLES, Arithmetic, CostWeights, Energy, Limits, Profile, Quantity, counted_in

LOIHI2 = hw_profiles.load("loihi2")
PRICE = Quantity(Fraction(1, 4), "pJ", "a paper", "measured")


def profile(**tables: dict[str, Quantity]) -> Profile:
    return Profile("mine", "Mine", "mine.toml", tables)


def test_a_quantity_is_plain_json_without_empty_entries():
    assert PRICE.plain() == {"value": 0.25, "unit": "pJ", "kind": "measured", "source": "a paper"}
    full = Quantity(True, "flag", "a sheet", "specified", note="since 2021", lender="loihi1")
    assert full.plain() == {
        "value": True,
        "unit": "flag",
        "kind": "specified",
        "source": "a sheet",
        "note": "since 2021",
        "lender": "loihi1",
    }


def test_every_field_says_its_unit_and_range():
    assert counted_in("pJ") == {"unit": "pJ", "least": 0, "most": 2**53}
    assert counted_in("bit", 2) == {"unit": "bit", "least": 2, "most": 32}
    for kind in TABLES.values():
        assert all({"unit", "least", "most"} <= item.metadata.keys() for item in fields(kind))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"activation_shift": 23}, "activation_shift 23 leaves nothing of the 24 state_bits"),
        ({"decay_bits": 30}, "make products beyond 53 bits"),
        ({"bias_exponent_min": 8}, "bias_exponent_min 8 is more than bias_exponent_max 7"),
    ],
)
def test_widths_that_do_not_go_together(change: dict[str, int], text: str):
    arithmetic = LOIHI2.arithmetic
    replace(arithmetic, state_bits=24, activation_shift=22, decay_bits=29)  # just fits
    with pytest.raises(CompileError, match=text) as caught:
        replace(arithmetic, **change)
    assert (caught.value.rule, caught.value.where) == ("profile.value", "[arithmetic]")


def test_numbers_are_read_as_they_are_typed():
    tables = {
        name: Quantity(4 + place, "bit", "us", "assumed")
        for place, name in enumerate(item.name for item in fields(Arithmetic))
    }
    tables |= {
        "activation_shift": Quantity(2, "bit", "us", "assumed"),
        "state_bits": Quantity(20, "bit", "us", "assumed"),
        "bias_exponent_min": Quantity(1, "bit", "us", "assumed"),
    }
    read = profile(arithmetic=tables, energy={"spike": PRICE}).arithmetic
    assert read == Arithmetic(**{name: quantity.value for name, quantity in tables.items()})
    assert profile(energy={"spike": PRICE}).energy == Energy(spike=Fraction(1, 4))


def test_tables_without_which_a_network_runs_may_be_missing():
    bare = profile()
    assert (bare.limits, bare.energy, bare.cost) == (Limits(), Energy(), CostWeights())
    for table in ("features", "arithmetic"):
        with pytest.raises(CompileError, match=rf"profile mine has no table \[{table}\]") as caught:
            getattr(bare, table)
        assert (caught.value.rule, caught.value.where) == ("profile.missing", "mine.toml")


def test_a_number_that_nobody_stated_is_an_error_with_the_way_to_state_it():
    priced = profile(energy={"spike": PRICE})
    assert priced.quantity("energy", "spike") is PRICE
    for table, key in (("energy", "hop_east_west"), ("limits", "cores_per_chip")):
        with pytest.raises(CompileError, match=rf"profile mine has no {table}.{key}") as caught:
            priced.quantity(table, key)
        assert f"extends = 'mine', then [{table}] {key}" in caught.value.hint


def test_a_profile_is_read_only_and_travels_to_other_processes():
    with pytest.raises(TypeError):
        LOIHI2.tables["energy"]["spike"] = PRICE  # pyright: ignore[reportIndexIssue]
    copy = pickle.loads(pickle.dumps(LOIHI2))
    assert copy == LOIHI2
    assert copy.arithmetic == LOIHI2.arithmetic
