"""The data set as a whole: sizes, order, reproducibility."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from models.data import digits


def test_test_split_has_1000_scenes_with_5_captions() -> None:
    split = digits.load_split("test")
    assert split.regions.shape == (1000, 12, 72)
    assert split.words().shape == (5000, 12, 64)
    assert len(split.captions) == 5000
    assert not split.regions.flags.writeable


def test_data_is_the_same_every_time() -> None:
    first = digits.load_split("dev")
    digits.load_split.cache_clear()
    again = digits.load_split("dev")
    assert first is not again
    np.testing.assert_array_equal(first.regions, again.regions)
    assert first.captions == again.captions


def test_captions_of_the_test_split_have_not_changed() -> None:
    """The trained weights in the repository belong to exactly these captions."""
    text = "\n".join(digits.load_split("test").captions)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "70f202a4a166a0a9"


def test_unknown_split_is_named() -> None:
    with pytest.raises(ValueError, match="no split 'val'; there are train, dev, test"):
        digits.load_split("val")
