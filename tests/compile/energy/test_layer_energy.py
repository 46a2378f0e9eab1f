"""One module's energies as JSON content."""

from __future__ import annotations

from fractions import Fraction

from compile.energy import Counts, LayerEnergy
from compile.energy.layer_energy import floats


def test_a_module_that_nothing_is_charged_for_is_none():
    nothing = LayerEnergy("m", "", Counts(), *[Fraction(0)] * 4, {})
    assert not nothing.is_charged()
    assert LayerEnergy("m", "", Counts(spike=Fraction(1)), *[Fraction(0)] * 4, {}).is_charged()
    assert nothing.plain()["events_per_sample"] == {}
    assert floats({"a": Fraction(1, 4)}) == {"a": 0.25}
