"""Pairs of what is heard and seen: shapes, splits, noise, and the same again."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from models.data import av_digits
from models.data.av_digits import SETTINGS, load_split, normalised, whole_spectrogram, with_test_frames
from models.data.speech_noise import CLEAN
from models.data.spoken_digits import families, load_human_digits, load_spoken_digits


@pytest.mark.parametrize(("steps", "width"), [(1, 32), (2, 16), (4, 8), (6, 6), (12, 3)])
def test_steps_share_the_spectrogram(steps: int, width: int):
    split = load_split("dev", steps=steps)
    count = len(split.labels)
    assert split.video.shape == (count, steps, 1, 16, 16)
    assert split.audio.shape == (count, steps, 1, 32, width)
    assert split.video.dtype == split.audio.dtype == np.float32
    assert len(split.voices) == count


def test_both_may_have_steps_of_their_own():
    split = load_split("dev", steps=2, audio_steps=6)
    assert split.video.shape[1:] == (2, 1, 16, 16)
    assert split.audio.shape[1:] == (6, 1, 32, 6)


def test_pieces_are_the_middle_of_the_spectrogram_in_order():
    clips = load_human_digits("en")
    split = with_test_frames(clips, steps=1, audio_steps=4)
    whole = whole_spectrogram(split.audio)
    assert whole.shape == (10, 1, 32, 32)
    for picture, piece, label in zip(whole[:, 0], split.audio, split.labels, strict=True):
        clip = clips.decibels[int(label)]
        np.testing.assert_array_equal(picture * 64.0, clip[:, 2:34])
        np.testing.assert_array_equal(piece[2, 0] * 64.0, clip[:, 18:26])


def test_normalised_sound_by_hand():
    clip = np.array([[[3.0, 28.0], [24.0, 24.0]], [[1.0, 1.0], [21.0, 21.0]]], dtype=np.float32) / 64
    assert (normalised(clip) * 64).tolist() == [
        [
            [32 - 23, 32 + 23],
            [32, 32],
        ],  # 20, which 3 counts as, and 28: +- 4 dB of a deviation of sqrt(8) dB, a quarter of it: 22.6 of 64
        [[32, 32], [32, 32]],  # no change at all
    ]


def test_normalised_sound_is_the_same_by_another_microphone_and_nearer():
    clips = whole_spectrogram(load_split("dev", steps=1, audio_steps=6).audio)[:20]
    bands = np.random.default_rng(3).integers(-20, 20, size=(32, 1)).astype(np.float32) / 64
    clips = np.maximum(clips, np.float32(40 / 64))
    own = normalised(clips)
    np.testing.assert_array_equal(normalised(clips + bands), own)
    assert np.abs(normalised(clips * np.float32(0.75)) - own).max() <= 1 / 64
    assert (own.min(), own.dtype) == (0.0, np.float32)
    assert own.max() <= 1.5
    np.testing.assert_array_equal(own * 64, np.round(own * 64))


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_splits_have_their_voices_and_all_clips(split: str):
    data, clips = load_split(split, steps=1), load_spoken_digits(split)
    assert sorted(data.voices) == sorted(clips.voices)
    np.testing.assert_array_equal(np.bincount(data.labels), np.bincount(clips.labels))
    assert set(data.voices) == {voice for family in families(split) for voice in family}


def test_the_same_arguments_give_the_same_arrays_and_another_seed_others():
    first, again, other = load_split("dev"), load_split("dev"), load_split("dev", seed=1)
    np.testing.assert_array_equal(first.video, again.video)
    np.testing.assert_array_equal(first.audio, again.audio)
    assert first.voices == again.voices
    assert (first.audio != other.audio).mean() > 0.5
    assert (first.video != other.video).mean() > 0.5


def test_labels_belong_to_voices_and_pictures(monkeypatch: pytest.MonkeyPatch):
    """Without noise, each sample is one clip of its voice and digit."""
    monkeypatch.setitem(SETTINGS, "balanced", replace(SETTINGS["balanced"], sigma=0.0, snr=CLEAN))
    split, clips = load_split("dev", steps=1), load_spoken_digits("dev")
    middle = {clip[:, 2:34].tobytes(): index for index, clip in enumerate(clips.decibels)}
    found = [middle[(picture[0, 0] * 64.0).astype(np.uint8).tobytes()] for picture in split.audio]
    np.testing.assert_array_equal(clips.labels[found], split.labels)
    assert [clips.voices[index] for index in found] == list(split.voices)


@pytest.mark.parametrize("steps", [0, -1, 10, 40])
def test_steps_that_do_not_fit_are_refused(steps: int):
    with pytest.raises(ValueError, match=r"cannot be cut for .* steps; they can for \[1, 2, 3, 4, 5, 6"):
        load_split("dev", steps=1, audio_steps=steps)


def test_unknown_names_and_no_frames():
    with pytest.raises(ValueError, match="no setting 'hard'; there are balanced, imbalanced"):
        load_split("dev", "hard")
    with pytest.raises(ValueError, match="no setting 'hard'; there are balanced, imbalanced"):
        with_test_frames(load_human_digits(), "hard")
    with pytest.raises(ValueError, match="no split 'val'; there are train, dev, test"):
        load_split("val")
    with pytest.raises(ValueError, match="0 steps; video has one at least"):
        load_split("dev", steps=0, audio_steps=1)


def test_languages():
    split = av_digits.load_split("dev", language="it")
    assert len(split.labels) == 10 * len({voice for voice in split.voices})


def test_the_arrays_have_not_changed():
    """Trained weights belong to exactly these."""
    content = b"".join((split.audio * 64).astype(np.uint8).tobytes() for split in map(load_split, ("dev", "test")))
    frames = (load_split("dev").video * 64).astype(np.uint8).tobytes()
    assert hashlib.sha256(content).hexdigest()[:16] == "22e486e83863c779"
    assert hashlib.sha256(frames).hexdigest()[:16] == "ba8a886190e045ab"
