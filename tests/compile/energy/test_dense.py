"""The twins of the network of `test_comparison`: 3 -> 3 -> 2, 15 multiplications, 5 neurons, T = 2."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.energy.dense import DenseTwin, activation_bits, dense_bill, dense_twin_pj, dense_twins, quantised_bill
from hw_profiles import load
from tests.compile.energy.test_comparison import lowered, source

TWIN, NOTHING = DenseTwin(macs=15, neurons=5, bits=2), DenseTwin(0, 0, 2)


def test_a_twin_does_every_product_once_and_has_no_steps():
    twins = dense_twins(source(), lowered(), [], 2)
    assert sum(twins.values(), NOTHING) == TWIN
    assert [(twin.macs, twin.neurons) for twin in twins.values()] == [(9, 0), (6, 0), (0, 3), (0, 2)]
    assert dense_twin_pj(source(), load("ideal")) == {
        "block.first_linear": Fraction("4.6") * 9,
        "block.second_linear": Fraction("4.6") * 6,
    }


def test_what_the_host_computes_alone_is_in_neither():
    """The chip carries both layers out, so that the host's own copy of them changes nothing; without the first it does."""
    assert sum(dense_twins(source(), lowered(), [source()], 2).values(), NOTHING) == TWIN
    rest = lowered().nodes
    second = {name: node for name, node in rest.items() if node.provenance.module != "block.first_linear"}
    chip = type("Chip", (), {"nodes": second})()
    assert sum(dense_twins(source(), chip, [source()], 2).values(), NOTHING).macs == 6


@pytest.mark.parametrize(("steps", "bits"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (Fraction(5, 2), 2)])
def test_bits_tell_apart_how_often_a_neuron_fires(steps: int | Fraction, bits: int):
    assert activation_bits(steps) == bits


@pytest.mark.parametrize(
    ("profile", "pj"),
    [("45nm", "69"), ("45nm-int8", "3.45"), ("loihi1", "622.5"), ("ideal", "69"), ("spinnaker1", None)],
)
def test_the_dense_twin_at_prices_of_arithmetic_and_of_chips(profile: str, pj: str | None):
    """15 x 4.6, 15 x 0.23, 15 x 23.6 + 5 x (52 + 1.7): 622.5; a chip without payloads has no price for it."""
    energy = dense_bill(TWIN, load(profile)).energy
    assert (None if energy is None else energy.value) == (None if pj is None else Fraction(pj))


def test_a_twin_of_two_bits_multiplies_a_quarter_of_eight_bits():
    own = quantised_bill(TWIN, load("45nm-int8"))
    assert own is not None
    assert own.energy is not None
    assert own.energy.value == 15 * (Fraction("0.2") * Fraction(2, 8) + Fraction("0.03"))
    assert quantised_bill(TWIN, load("45nm")) is None
    assert quantised_bill(TWIN, load("loihi1")) is None


def test_two_products_of_one_module_may_run_in_two_places():
    """The chip has 8 -> 6; 6 -> 3 and 3 -> 20 are the host's, of the same module."""

    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            shapes = ((6, 8), (3, 6), (20, 3))
            self.weights = nn.ParameterList([nn.Parameter(torch.ones(shape) / 8) for shape in shapes])
            self.fire = neuron.IFNode(step_mode="m")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            spikes = self.fire(nn.functional.linear(x, self.weights[0]))
            scores = nn.functional.linear(spikes, self.weights[1]).softmax(-1)
            return nn.functional.linear(scores, self.weights[2])

    report = compile_model(Functional(), target="gpu", example=torch.ones(4, 2, 8)).report()
    own = report.energy.tables[0]
    (macs,) = (line.count for line in own.dense.lines if line.price == "graded_event")
    assert macs == 6 * 8
