"""Plans grow by inputs and populations, and leave the plans before them as they are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ir.ops import Lif
from ir.quantize.payloads import Emission
from ir.quantize.plan import InputPlan, NetworkPlan, PopulationPlan, ProjectionPlan
from ir.quantize.report import LayerReport
from ir.quantize.units.choose_unit import Unit
from ir.quantize.weights import QuantizedArray

SPIKES, PAYLOADS = Emission(1.0, 1), Emission(0.25, 100)
REPORT = LayerReport("a", "net.a", 0.5, 2, 4, 0, 0.0, 0.0, 0.0, 4, 3, 100, 8, True, "bias", "")


def population(emission: Emission, **units: Fraction) -> PopulationPlan:
    weights = QuantizedArray(np.ones(4, np.int8), 0, 0.0)
    projections = {name: ProjectionPlan(Unit(unit), weights, 4) for name, unit in units.items()}
    return PopulationPlan(Lif(0.5), {}, emission, projections, np.zeros(()), REPORT, Unit(Fraction(1)))


def test_an_input_adds_what_its_integers_stand_for():
    empty = NetworkPlan({"a": SPIKES}, {})
    plan = empty.with_input("x", InputPlan(PAYLOADS, 8))
    assert plan.emissions == {"a": SPIKES, "x": PAYLOADS}
    assert plan.inputs == {"x": InputPlan(PAYLOADS, 8)}
    assert (empty.emissions, empty.inputs) == ({"a": SPIKES}, {})


def test_a_population_adds_its_projections_and_settles_its_emission():
    looped = {"b": PAYLOADS}
    before = NetworkPlan({"a": SPIKES, "b": PAYLOADS}, looped)
    first = population(SPIKES, w=Fraction(1, 2))
    second = population(Emission(0.125, 7), v=Fraction(1, 4), u=Fraction(1))
    plan = before.with_population("a", first).with_population("b", second)
    assert plan.emissions == {"a": SPIKES, "b": Emission(0.125, 7)}
    assert plan.populations == {"a": first, "b": second}
    assert {name: item.unit for name, item in plan.projections.items()} == {
        "w": Unit(Fraction(1, 2)),
        "v": Unit(Fraction(1, 4)),
        "u": Unit(Fraction(1)),
    }
    assert plan.looped is looped
    assert (before.populations, before.projections) == ({}, {})


def test_a_projection_of_two_populations_is_planned_by_the_last_one():
    plan = NetworkPlan({}, {}).with_population("a", population(SPIKES, w=Fraction(1, 2)))
    again = plan.with_population("b", population(SPIKES, w=Fraction(1, 4)))
    assert again.projections["w"].unit == Unit(Fraction(1, 4))
    assert plan.projections["w"].unit == Unit(Fraction(1, 2))
