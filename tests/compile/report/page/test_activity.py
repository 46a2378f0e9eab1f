"""The spikes and membranes that the page shows, against loops."""

from __future__ import annotations

from itertools import product

import numpy as np

from compile.measure.first_sample import FirstSample
from compile.measure.membranes import Membranes
from compile.report.page.activity import FEW, MOST, activity

rng = np.random.default_rng(0)


def shown(steps: int) -> tuple[FirstSample, dict[str, dict[str, dict[str, list[float]]]]]:
    compiled, floats = (rng.integers(0, 3, (steps, 7)).astype(np.uint8) for _ in range(2))
    sample = FirstSample({"a": compiled}, {"a": floats})
    choice = activity(sample, {})
    assert choice is not None
    return sample, {name: {key: dict(own) for key, own in each.items()} for name, each in choice.data.items()}  # pyright: ignore[reportReturnType]


def test_spikes_are_kept_lost_or_added():
    for steps in (FEW, FEW + 1):
        sample, data = shown(steps)
        compiled, floats = sample.compiled["a"], sample.floats["a"]
        expected: dict[str, set[tuple[int, int]]] = {"kept": set(), "lost": set(), "added": set()}
        for step, neuron in product(range(steps), range(7)):
            ours, theirs = int(compiled[step, neuron]), int(floats[step, neuron])
            point = (neuron, step) if steps == FEW else (step, neuron)
            if min(ours, theirs):
                expected["kept"].add(point)
            if theirs > ours:
                expected["lost"].add(point)
            if ours > theirs:
                expected["added"].add(point)
        for kind, points in expected.items():
            assert {*zip(data["a"][kind]["x"], data["a"][kind]["y"], strict=True)} == points


def test_of_many_spikes_those_of_the_first_neurons_are_shown():
    spikes = np.ones((10, MOST), np.uint8)
    choice = activity(FirstSample({"a": spikes}, {"a": spikes}), {})
    assert choice is not None
    kept = choice.data["a"]["kept"]
    assert len(kept["x"]) == MOST
    assert set(kept["y"]) == set(range(MOST // 10))


def test_membranes_come_with_their_neurons_and_thresholds():
    v = np.array([[0.5, 2.0], [1.5, 3.0], [0.0, 1.0]])
    own = Membranes(np.array([3, 8]), v, np.array([1.0, 2.5]))
    choice = activity(FirstSample(), {"a": own, "b": Membranes(np.array([0]), v[:, :1], None)})
    assert choice is not None
    assert choice.data["a"]["v1"] == {"x": [0, 1, 2], "y": [2.0, 3.0, 1.0], "neuron": [8, 8, 8]}
    assert choice.data["a"]["threshold1"] == {"x": [0, 2], "y": [2.5, 2.5], "neuron": [8, 8]}
    assert choice.data["b"]["threshold0"]["x"] == choice.data["b"]["v1"]["x"] == []


def test_without_populations_there_is_nothing():
    assert activity(FirstSample(), {}) is None
