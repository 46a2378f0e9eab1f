"""
Image-text retrieval on real handwritten digits: the small data set of the `digits` configuration.

1,000 test scenes with 5 captions each, like the published test sets; nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.data import digit_captions, digit_scenes

SCENE_SEED = {"train": 1, "dev": 2, "test": 3}


@dataclass(frozen=True)
class Split:
    """Scene i has the captions 5i .. 5i+4."""

    regions: NDArray[np.float32]
    """(scenes, 12, 72) features of the proposals."""
    captions: tuple[str, ...]
    word_ids: NDArray[np.int64]
    """(5 * scenes, 12) indices into `digit_captions.VOCABULARY`."""

    def words(self) -> NDArray[np.float32]:
        """(5 * scenes, 12, 64) word features."""
        return digit_captions.word_features(self.word_ids)


@lru_cache(maxsize=3)
def load_split(name: str) -> Split:
    """
    The split `train`, `dev` or `test`; the same arrays on every call and machine.

    Raises:
        ValueError: for any other name.
    """
    if name not in SCENE_SEED:
        raise ValueError(f"no split {name!r}; there are {', '.join(SCENE_SEED)}")
    rng = np.random.default_rng(SCENE_SEED[name])
    scenes = digit_scenes.draw_scenes(name, rng)
    regions = digit_scenes.region_features(scenes, rng)
    captions = [text for scene in scenes for text in digit_captions.draw_captions(scene, rng)]
    ids = digit_captions.word_ids(captions)
    for array in (regions, ids):
        array.setflags(write=False)
    return Split(regions, tuple(captions), ids)
