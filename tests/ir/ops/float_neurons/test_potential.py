"""The membrane of a neuron before and after its resets, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import Lif, Potential
from ir.ops.float_neurons.potential import potential_of
from ir.types import parse_type


def membranes(op: Lif, moment: str, *currents: float) -> list[float]:
    x = np.array(currents).reshape(-1, 1, 1)
    return potential_of(op, moment).run((x,), {}, len(currents)).ravel().tolist()


@pytest.mark.parametrize(
    ("reset", "before", "after"),
    [
        ({}, [0.5, 1.5, 0.75], [0.5, 0.0, 0.75]),
        ({"reset": "subtract"}, [0.5, 1.5, 1.25], [0.5, 0.5, 0.25]),
        ({"reset_at": "next"}, [0.5, 1.5, 0.0], [0.5, 1.5, 0.0]),
        ({"reset": "none"}, [0.5, 1.5, 2.25], [0.5, 1.5, 2.25]),
    ],
)
def test_membranes_around_a_spike(reset: dict[str, str], before: list[float], after: list[float]):
    neuron = Lif(decay=0.0, form="sum", **reset)
    assert membranes(neuron, "before", 0.5, 1.0, 0.75) == before
    assert membranes(neuron, "after", 0.5, 1.0, 0.75) == after


def test_it_is_a_payload_of_the_neuron_s_shape():
    assert Potential(decay=0.5).infer((parse_type("current[3]"),), {}).domain.kind == "graded"
    with pytest.raises(CompileError, match="unknown option"):
        Potential(decay=0.5, moment="never").infer((parse_type("current[3]"),), {})
    with pytest.raises(CompileError, match="micro-steps"):
        potential_of(Lif(decay=1.0, micro=2), "after")
