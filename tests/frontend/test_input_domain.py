"""What values an input takes: shown by an example or stated, checked against every value."""

from __future__ import annotations

import numpy as np
import pytest

from frontend.input_domain import LARGEST, LARGEST_SHOWN, check_values, domain_of, input_domains, stated_domain
from ir.errors import CompileError
from ir.types import REAL, SPIKE, count


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([0, 0], SPIKE),
        ([0, 1], SPIKE),
        ([0.0, 3.0], count(3)),
        ([0, LARGEST_SHOWN], count(LARGEST_SHOWN)),
        ([0, LARGEST_SHOWN + 1], REAL),
        ([0, 2.5], REAL),
        ([-1, 1], REAL),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_example_shows_what_an_input_takes(values, domain, dtype):
    assert domain_of(np.array(values, dtype)) == domain


def test_what_is_stated_goes_before_what_is_shown():
    shown = {"x": np.array([0.0, 2.0]), "y": np.array([0.0, 1.0]), "z": np.array([0.0, 1.0])}
    stated = {"x": "count:5", "y": "real"}
    assert input_domains(stated, shown) == {"x": count(5), "y": REAL, "z": SPIKE}


@pytest.mark.parametrize("text", ["", "count", "count<0>", f"count<{LARGEST + 1}>", "count:-1", "graded<8>", "spikes"])
def test_other_words_are_refused(text: str):
    with pytest.raises(CompileError, match="count<3>") as caught:
        stated_domain("x", text)
    assert caught.value.rule == "inputs.domain"


@pytest.mark.parametrize(("value", "domain"), [(4, count(3)), (2, SPIKE), (0.5, count(3)), (-1, count(3))])
def test_a_value_beyond_the_domain_is_named_and_never_clipped(value: float, domain):
    with pytest.raises(CompileError, match=f"input x holds {value:g}, but it is"):
        check_values("x", np.array([[0.0, 1.0], [value, 1.0]]), domain)
    check_values("x", np.array([[0.0, 1.0], [value, 1.0]]), REAL)


def test_an_example_that_contradicts_the_statement_is_refused():
    with pytest.raises(CompileError, match="holds 3"):
        input_domains({"x": "count<2>"}, {"x": np.array([0, 3])})
    with pytest.raises(CompileError, match="no input 'z'"):
        input_domains({"z": "spike"}, {"x": np.array([0, 3])})
