"""Examples of the task are test clips, seen and heard."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.audio_visual.digit_clips import DigitClips
from models.training.audio_visual.digits_task import audio_visual_task

CLIPS = DigitClips(4, 4, 8)


def test_examples_are_clips_seen_and_heard() -> None:
    inputs = CLIPS.split("test").inputs
    scores = np.tile(np.arange(10, dtype=np.float32), (920, 1))
    examples = audio_visual_task(CLIPS).examples({"network": {"scores": scores}})
    assert [example["sample"] for example in examples][:2] == ["clip 38, film and sound", "clip 115, film and sound"]
    image, (frames, sound) = examples[0]["image"], (inputs[name][:, 38, 0].numpy() for name in ("video", "audio"))
    assert image.shape == (32, 64)
    assert image[31, 30] == pytest.approx(frames[:, 15, 15].mean())
    assert image[31, 32] == sound[0, 0, 0], "the lowest band is below"
    assert image[0, 63] == sound[3, 31, 7]


def test_the_sound_of_an_example_is_no_longer_than_a_clip() -> None:
    task = audio_visual_task(DigitClips(4, 4, 32))
    assert task.examples({"network": {"scores": np.zeros((920, 10), np.float32)}})[0]["image"].shape == (32, 64)


def test_sound_beyond_1_is_white() -> None:
    clips = DigitClips(4, 4, 32, normalised=True)
    examples = audio_visual_task(clips).examples({"network": {"scores": np.zeros((920, 10), np.float32)}})
    assert clips.split("test").inputs["audio"].max() > 1
    assert max(example["image"].max() for example in examples) == 1
