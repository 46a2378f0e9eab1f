"""A sample of a task's test set with what the network made of it, as the task shows it to a reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from frontend.type_guards import is_list, is_mapping, is_tuple
from ir.graph import Array

KEYS = ("sample", "answers", "expected", "image")
WHITE = 255


@dataclass(frozen=True)
class TaskExample:
    """A sample and the network's answers."""

    sample: str
    """What the sample is called."""
    answers: tuple[str, ...]
    """What the network found, best first."""
    expected: tuple[str, ...]
    """All answers that are right."""
    image: Array | None = None
    """(H, W) or (H, W, 3) of uint8, where the sample can be seen."""

    @property
    def right(self) -> bool:
        """Whether the best answer is right."""
        return self.answers[0] in self.expected

    def plain(self) -> dict[str, Any]:
        """Return all but the pixels, as JSON content."""
        texts = {"answers": [*self.answers], "expected": [*self.expected]}
        return {"sample": self.sample, **texts, "right": self.right}


def read_example(given: object) -> TaskExample | str:
    """Take an example as a user's task gives it, or say in words why it is none."""
    if not is_mapping(given):
        return f"is a {type(given).__name__}"
    unknown = next((key for key in given if key not in KEYS), None)
    if unknown is not None:
        return f"has {unknown!r}, and may have {', '.join(KEYS)}"
    sample, answers, expected = given.get("sample"), _texts(given.get("answers")), _texts(given.get("expected"))
    if not isinstance(sample, str):
        return "has no text 'sample'"
    if answers is None or expected is None:
        return f"has no list of texts {'answers' if answers is None else 'expected'!r}"
    if given.get("image") is None:
        return TaskExample(sample, answers, expected)
    image = _pixels(given["image"])
    if image is None:
        return "has an image that is no array (H, W) or (H, W, 3) of uint8, or of floats from 0 to 1"
    return TaskExample(sample, answers, expected, image)


def _texts(given: object) -> tuple[str, ...] | None:
    """One text at least; None for anything else."""
    texts = tuple(given) if is_list(given) or is_tuple(given) else ()
    return texts if texts and all(isinstance(text, str) for text in texts) else None


def _pixels(given: object) -> Array | None:
    """Bytes of their own, (H, W) or (H, W, 3); None for what is no image."""
    image: Array = np.array(given)
    if image.size == 0 or (image.ndim != 2 and image.shape[2:] != (3,)):
        return None
    if image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 1:
        return np.rint(WHITE * image).astype(np.uint8)
    return image if image.dtype == np.uint8 else None
