"""The profiles that ship: complete, sourced, and saying what the literature says."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import hw_profiles
from hw_profiles import load, names
from hw_profiles.loader import FOLDER, QUANTITY_KEYS, tomllib
from ir.errors import CompileError
from ir.profile import TABLES, CostWeights

CHIPS = ("ideal", "loihi1", "loihi1-fit", "loihi2", "loihi2-compiler", "netx", "speck", "spinnaker2")
OTHERS = (
    "45nm",
    "45nm-fp16",
    "45nm-int32",
    "45nm-int8",
    "7nm",
    "7nm-int8",
    "darwin3",
    "gpu",
    "odin",
    "spinnaker1",
    "truenorth",
)
"""Those of which no test here looks at more than prices."""


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"), parse_float=Decimal)


def bare_numbers(content: Any, place: str = "") -> list[str]:
    """Places of numbers that are not the `value` of a quantity with all its keys."""
    if not isinstance(content, dict):
        return [place] if isinstance(content, (int, float, Decimal)) else []
    if "value" in content:
        return [] if set(QUANTITY_KEYS[:4]) <= content.keys() <= set(QUANTITY_KEYS) else [place]
    return [found for key, value in content.items() for found in bare_numbers(value, f"{place}.{key}")]


def test_the_promised_profiles_ship():
    assert names() == tuple(sorted((*CHIPS, *OTHERS)))


@pytest.mark.parametrize("name", names())
def test_no_number_without_unit_source_and_kind(name: str):
    assert bare_numbers(raw(name)) == []
    assert bare_numbers({"energy": {"spike": 1.7}}) == [".energy.spike"]  # the check itself can fail
    assert bare_numbers({"energy": {"spike": {"value": 1, "unit": "pJ"}}}) == [".energy.spike"]


@pytest.mark.parametrize("name", names())
def test_profile_loads_under_its_own_name(name: str):
    profile = load(name)
    assert profile.name == name
    assert set(profile.tables) <= set(TABLES)
    assert profile == load(Path(profile.file))


@pytest.mark.parametrize("name", ["45nm", *CHIPS])
def test_the_papers_prices_are_in_every_chip_s_profile(name: str):
    energy = load(name).energy
    assert (energy.e_ac, energy.e_mac) == (Fraction(9, 10), Fraction(46, 10))


@pytest.mark.parametrize("name", [name for name in CHIPS if name != "speck"])
def test_integer_formats_are_those_of_the_bit_accurate_neuron(name: str):
    arithmetic = load(name).arithmetic
    assert (arithmetic.weight_bits, arithmetic.decay_bits, arithmetic.activation_shift) == (8, 12, 6)
    assert (arithmetic.state_bits, arithmetic.threshold_bits) == (24, 17)
    exponents = (6, 6) if name == "netx" else (0, 7)
    assert arithmetic.bias_mantissa_bits == 13
    assert (arithmetic.bias_exponent_min, arithmetic.bias_exponent_max) == exponents
    assert all(type(value) is int for value in vars(arithmetic).values())


def test_features_and_formats_agree():
    for name in CHIPS:
        profile = load(name)
        assert (profile.arithmetic.payload_bits > 0) == profile.features.graded_spikes
    assert not load("loihi1").features.programmable_neurons
    assert load("loihi2").features.programmable_neurons


def test_published_energies_of_loihi1():
    energy = load("loihi1").energy
    assert (energy.synaptic_event, energy.neuron_update, energy.spike) == (Fraction("23.6"), 52, Fraction("1.7"))
    assert (energy.hop_east_west, energy.hop_north_south) == (3, 4)
    assert load("loihi1").quantity("energy", "graded_event").kind == "assumed", "the chip has no graded spikes"


def test_loihi2_says_that_its_energies_are_loihi1s():
    loihi2 = load("loihi2")
    assert {quantity.lender for quantity in loihi2.tables["energy"].values()} == {"", "45nm", "loihi1"}
    for key in ("synaptic_event", "neuron_update", "spike", "hop_east_west", "hop_north_south"):
        assert loihi2.quantity("energy", key).lender == "loihi1"
    assert loihi2.quantity("energy", "e_ac").lender == "45nm", "the profile that states it, not the one in between"
    assert loihi2.quantity("energy", "graded_event").kind == "assumed"


@pytest.mark.parametrize(("name", "price"), [("loihi1", None), ("loihi2", None), ("ideal", 0)])
def test_what_nobody_published_of_crossing_is_left_out(name: str, price: int | None):
    energy = load(name).energy
    assert (energy.crossing_event, energy.crossing_bit) == (price, price)


def test_ideal_has_everything_and_no_limits():
    ideal = load("ideal")
    assert all(vars(ideal.features).values())
    assert set(vars(ideal.limits).values()) == {None}
    assert ideal.energy.synaptic_event == ideal.energy.e_ac
    assert ideal.arithmetic == load("loihi2").arithmetic


def test_limits_are_none_where_nobody_published_one():
    assert load("loihi2").limits.axons_out_per_core is None
    assert load("loihi1").limits.neurons_per_core == 1024


@pytest.mark.parametrize("name", CHIPS)
def test_costs_are_assumed_and_in_synapses(name: str):
    profile = load(name)
    quantities = profile.tables["cost"]
    assert quantities.keys() == vars(profile.cost).keys()
    assert {(quantity.unit, quantity.kind) for quantity in quantities.values()} == {("synapse", "assumed")}
    assert profile.cost.neuron > 100 * profile.cost.synapse


def test_a_neuron_of_loihi2_is_worth_its_share_of_the_chip():
    profile = load("loihi2")
    neurons, synapses = profile.limits.neurons_per_chip, profile.limits.synapses_per_chip
    assert neurons is not None
    assert synapses == profile.cost.neuron * neurons
    assert load("ideal").cost == profile.cost


def test_a_profile_without_costs_has_the_usual_ones():
    assert "cost" not in load("45nm").tables
    assert load("45nm").cost == CostWeights() == load("loihi2").cost


def test_a_technology_node_runs_no_network():
    with pytest.raises(CompileError, match=r"45nm has no table \[arithmetic\]") as caught:
        _ = load("45nm").arithmetic
    assert caught.value.rule == "profile.missing"


def test_a_number_that_nobody_published_is_an_error_when_asked_for():
    with pytest.raises(CompileError, match=r"45nm has no energy\.graded_event"):
        load("45nm").quantity("energy", "graded_event")


def test_a_quantity_as_plain_content():
    plain = load("loihi2").quantity("energy", "synaptic_event").plain()
    assert plain == {
        "value": 23.6,
        "high": 35.5,
        "unit": "pJ",
        "kind": "estimated",
        "source": "Davies 2018, Table 2; most: Boyle 2025, lists of all synapses",
        "note": "the published minimum, pre-silicon",
        "lender": "loihi1",
    }
    assert hw_profiles.load("loihi2").quantity("limits", "cores_per_chip").plain()["value"] == 128
