"""What a unit must hold: calibrated values twice over, thresholds, biases, behind a shift that may be narrower."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from ir.quantize.units.amounts import LargestValues, finest_units

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
SIZES = st.floats(1e-4, 1e4)


@given(SIZES, SIZES, SIZES, st.integers(0, 6))
def test_calibrated_values_fit_twice_over(current, threshold, bias, narrowed):
    bounds = finest_units(LargestValues(current, 1.5, threshold, bias), ARITHMETIC, narrowed)
    assert 2 * current / bounds["range"] <= (1 << (17 + narrowed)) * 1.0001
    assert threshold / bounds["threshold"] <= (((1 << 17) - 1) << narrowed) * 1.0001
    assert (64 >> narrowed) * bias / bounds["bias"] <= (4095 << 7) * 1.0001
