"""Energies of report.json: sums, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compile.report.comparison.energies import inference_energies, layer_energies, part_energies
from compile.report.comparison.json_value import JsonValue


def value(part: Any) -> JsonValue:
    return JsonValue(part, Path("report.json"))


def test_parts_add_up_unless_one_has_no_price(contents: dict[str, Any]):
    part = contents["eight"]["parts"][0]
    energy = part["energy"]
    facts = part_energies([value(part), value(part)])
    assert {name: fact.value for name, fact in facts.items()} == {
        "counted energy": 2 * energy["counted_pj"],
        "formula": 2 * energy["formula_pj"],
        "dense twin at E_MAC": 2 * energy["dense_twin_pj"],
    }
    assert {fact.unit for fact in facts.values()} == {"pJ"}
    lacking = part_energies([value(part), value({**part, "energy": None})])
    assert {fact.value for fact in lacking.values()} == {None}


def test_a_layer_has_the_energy_of_what_feeds_it(contents: dict[str, Any]):
    part = contents["eight"]["parts"][0]
    facts = layer_energies(value(part), "lif1")
    assert facts["counted energy"].value == pytest.approx(48 * 23.6 + 16 * 52 + 1.5 * 1.7, rel=1e-12)
    assert facts["formula"].value == pytest.approx(48 * 0.9, rel=1e-12)
    assert facts["dense twin at E_MAC"].value == pytest.approx(48 * 4.6, rel=1e-12)
    assert layer_energies(value(part), "nothing")["formula"].value is None
    assert layer_energies(value({**part, "energy": None}), "lif1")["formula"].value is None


def test_energies_of_other_names_are_unknown(contents: dict[str, Any]):
    part = contents["eight"]["parts"][0]
    energy = {name: own for name, own in part["energy"].items() if name != "counted_pj"}
    facts = part_energies([value({**part, "energy": energy})])
    assert facts["counted energy"].value is None
    assert facts["formula"].value == energy["formula_pj"]


def test_an_inference_has_that_of_its_own_prices_first(contents: dict[str, Any]):
    report = contents["eight"]
    tables = report["energy"]["tables"]
    facts = inference_energies(value(report))
    assert facts["counted energy"].value == tables[0]["network"]["energy"]["value"]
    assert facts["dense twin"].value == tables[0]["dense"]["energy"]["value"]
    assert tables[0]["formula"] is None
    assert facts["formula at 45nm"].value == tables[1]["formula"]["energy"]["value"]
    unpriced = [{**own, "network": {**own["network"], "energy": None}, "dense": None} for own in tables[:1]]
    lacking = inference_energies(value({**report, "energy": {"tables": unpriced}}))
    assert lacking.keys() == {"counted energy", "dense twin"}
    assert {fact.value for fact in lacking.values()} == {None}
