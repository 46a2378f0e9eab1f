"""For how long windows integers are right, against integers that are chosen for those windows from the start."""

from __future__ import annotations

import numpy as np
import pytest

import hw_profiles
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, Lif, Linear
from ir.ops.membrane import Leaky
from ir.profile import Profile
from ir.quantize.calibration import observe
from ir.quantize.network import quantize
from ir.quantize.ties.longest_window import TRIED, WindowProof

LOIHI2 = hw_profiles.load("loihi2")
RNG = np.random.default_rng(0)
EIGHTHS = RNG.integers(-8, 17, (5, 6)).astype(np.float32) / 8
ROUGH = RNG.normal(size=(5, 6)).astype(np.float32)


def network(weight: np.ndarray, neuron: Lif | Leaky, steps: int = 4) -> Graph:
    b = GraphBuilder("net", steps)
    x = b.add(Input("spike[6]"), name="x")
    return b.build(
        {"y": b.add(neuron, b.add(Linear(), x, name="c", params={"weight": b.param("w", weight)}), name="y")}
    )


def spikes(steps: int, samples: int = 64) -> dict[str, np.ndarray]:
    return {"x": (np.random.default_rng(steps).random((steps, samples, 6)) < 0.5).astype(np.float32)}


def proof(chip: Graph, profile: Profile = LOIHI2) -> WindowProof:
    statistics = observe(chip, spikes(chip.steps))
    return WindowProof(chip, statistics, profile.arithmetic, profile.features)


@pytest.mark.parametrize(
    ("weight", "neuron", "longest"),
    [
        (
            EIGHTHS,
            Lif(0.5, form="sum"),
            6,
        ),  # six digits of a membrane lie behind the weight unit, one more is lost per step
        (EIGHTHS, Lif(0.0, form="sum", reset="subtract"), 0),
        (EIGHTHS, Lif(1.0, form="sum"), 0),
        (ROUGH, Lif(0.5, form="sum"), 0),
        (ROUGH, Lif(0.25, form="sum", threshold=2.0), 0),
    ],
)
def test_ties_as_they_are_kept(weight: np.ndarray, neuron: Lif, longest: int):
    found = proof(network(weight, neuron)).longest()
    assert found == longest or (longest == 0 and found >= 200)


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 12])
@pytest.mark.parametrize(
    "neuron", [Lif(0.5, form="sum"), Lif(0.0, form="sum", reset="subtract"), Lif(0.25, form="sum")]
)
@pytest.mark.parametrize("weight", [EIGHTHS, ROUGH])
def test_what_is_proven_is_as_right_as_what_is_chosen_there(weight: np.ndarray, neuron: Lif, steps: int):
    chip = network(weight, neuron)
    ours, report = quantize(chip, LOIHI2.arithmetic, spikes(4), LOIHI2.features)
    obstacle = proof(chip).obstacle(steps)
    assert steps > 4 or not obstacle
    if obstacle or not report.layers[0].exact:
        return
    there = chip.lasting(steps)
    expected = interpret(there, spikes(steps))["y"]
    integers = {name: value.astype(np.int64) for name, value in spikes(steps).items()}
    np.testing.assert_array_equal(interpret(ours.lasting(steps), integers)["y"], expected)


def test_a_membrane_that_never_leaks_may_leave_its_field():
    chip = network(100 * EIGHTHS, Leaky(0.0, form="sum"))
    found = proof(chip)
    assert found.obstacle(3) == ""
    longest = found.longest()
    assert 4 <= longest < TRIED
    assert found.obstacle(longest) == ""
    assert found.obstacle(longest + 1) == "%y"


def test_a_leaky_membrane_grows_no_further():
    assert proof(network(ROUGH, Leaky(0.5, form="sum"))).longest() == 0
