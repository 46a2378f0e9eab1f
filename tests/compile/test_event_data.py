"""Events counted into frames, against a loop over all events, and against frames by hand."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np
import pytest

from compile import bin_events
from ir.errors import CompileError

EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])


def events(*rows: tuple[Any, ...]) -> np.ndarray:
    return np.array(list(rows), EVENT)


def random_sample(seed: int, count: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sample = np.zeros(count, EVENT)
    sample["x"], sample["y"], sample["p"] = (
        rng.integers(0, 5, count),
        rng.integers(0, 4, count),
        rng.random(count) < 0.5,
    )
    sample["t"] = np.sort(rng.integers(1000, 2024, count))
    return sample


@pytest.mark.parametrize("duration", [None, 256.0, 2048.0])
@pytest.mark.parametrize("most", [1, 3])
def test_frames_are_those_of_a_loop_over_all_events(duration: float | None, most: int):
    samples = [random_sample(seed) for seed in range(3)]
    expected = np.zeros((8, 3, 2, 4, 5))
    for b, sample in enumerate(samples):
        first, last = int(sample["t"].min()), int(sample["t"].max())
        for x, y, t, p in sample.tolist():
            step = floor((t - first) * (8 / (last - first if duration is None else duration)))
            step = 7 if duration is None and step == 8 else step
            if step < 8:
                expected[step, b, int(p), y, x] += 1
    frames = bin_events(samples, steps=8, height=4, width=5, duration=duration, most=most)
    assert frames.dtype == np.float32
    assert np.array_equal(frames, np.minimum(expected, most))
    assert frames.mean() > 0


def test_by_hand():
    """Two steps of 10: an event at 9 is in the first, one at 10 in the second, one at 20 beyond."""
    sample = events((0, 1, 0, 0), (1, 0, 9, 1), (1, 0, 10, 1), (1, 1, 20, 0))
    frames = bin_events([sample, events()], steps=2, height=2, width=2, duration=20)
    assert np.argwhere(frames).tolist() == [[0, 0, 0, 1, 0], [0, 0, 1, 0, 1], [1, 0, 1, 0, 1]]
    assert bin_events([events((0, 0, 5, 1))], steps=3, height=1, width=1)[0, 0, 1, 0, 0] == 1


@pytest.mark.parametrize(
    ("samples", "sizes", "rule"),
    [
        ([np.zeros((3, 4))], {}, "events.fields"),
        ([np.zeros(3, [("x", int), ("y", int), ("t", int)])], {}, "events.fields"),
        ([events((2, 0, 0, 0))], {}, "events.place"),
        ([events((0, -1, 0, 0))], {}, "events.place"),
        ([np.array([(0, 0, 0, -1)], [("x", int), ("y", int), ("t", int), ("p", int)])], {}, "events.place"),
        ([events()], {"steps": 0}, "events.size"),
        ([events()], {"duration": 0.0}, "events.size"),
    ],
)
def test_what_is_no_event_of_the_sensor_is_refused(samples: list[Any], sizes: dict[str, Any], rule: str):
    with pytest.raises(CompileError) as error:
        bin_events(samples, **{"steps": 2, "height": 2, "width": 2, **sizes})
    assert error.value.rule == rule
