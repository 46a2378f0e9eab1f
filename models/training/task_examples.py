"""Which samples of a test set a task shows in a report, and what the network found in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypedDict

from numpy.typing import NDArray

SHOWN, ANSWERS = 12, 3


class ShownExample(TypedDict):
    """A sample, as `examples` of a task gives it to the compiler."""

    sample: str
    answers: list[str]
    """Best first."""
    expected: list[str]
    """All that are right."""
    image: NDArray[Any]
    """(H, W) or (H, W, 3) of uint8, or floats in 0..1."""


def shown(samples: int) -> list[int]:
    """At most 12 of the samples, at equal distances: which ones does not depend on what a network makes of them."""
    count = min(SHOWN, samples)
    return [(2 * number + 1) * samples // (2 * count) for number in range(count)]


def best_names(scores: NDArray[Any], names: Sequence[str], expected: Collection[str] = ()) -> list[str]:
    """The three names of largest scores (n,), each once; of equal scores the first, but `expected` names after all others."""
    order = sorted(range(len(names)), key=lambda index: (-scores[index], names[index] in expected))
    return list(dict.fromkeys(names[index] for index in order))[:ANSWERS]
