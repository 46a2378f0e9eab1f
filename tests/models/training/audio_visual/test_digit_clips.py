"""Clips in the form of a network: chunks of the spectrogram, one modality alone, people's recordings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.data.av_digits import load_split, normalised, whole_spectrogram
from models.data.spoken_digits import load_human_digits
from models.training.audio_visual.digit_clips import DigitClips


@pytest.mark.parametrize(("steps", "width"), [(4, 8), (8, 4), (6, 6), (2, 16)])
def test_chunks_side_by_side_are_those_of_the_data_set(steps: int, width: int) -> None:
    own, theirs = DigitClips(4, steps, width).split("dev"), load_split("dev", audio_steps=steps)
    assert torch.equal(own.inputs["audio"], torch.from_numpy(theirs.audio.swapaxes(0, 1).copy()))
    assert torch.equal(own.inputs["video"], torch.from_numpy(theirs.video.swapaxes(0, 1).copy()))
    assert own.labels.tolist() == theirs.labels.tolist()


def test_wider_chunks_overlap_and_reach_both_ends() -> None:
    own = DigitClips(6, 6, 8).split("dev").inputs["audio"]
    whole = torch.from_numpy(whole_spectrogram(load_split("dev", steps=6).audio))
    assert own.shape == (6, 680, 1, 32, 8)
    for step, start in enumerate((0, 6, 11, 17, 22, 28)):
        assert torch.equal(own[step], whole[..., start : start + 8])


def test_one_chunk_is_the_middle() -> None:
    whole = torch.from_numpy(whole_spectrogram(load_split("dev", steps=1, audio_steps=6).audio))
    assert torch.equal(DigitClips(1, 1, 32).split("dev").inputs["audio"][0], whole[..., 2:34])


def test_sound_is_normalised_before_it_is_cut() -> None:
    whole = torch.from_numpy(normalised(whole_spectrogram(load_split("dev", audio_steps=6).audio)))
    chunks = DigitClips(4, 4, 32, normalised=True).split("dev").inputs["audio"]
    assert torch.equal(chunks, torch.stack([whole[..., start : start + 32] for start in (0, 1, 3, 4)]))


@pytest.mark.parametrize(("modality", "silent"), [("video", "audio"), ("audio", "video")])
def test_one_modality_leaves_zeros_of_the_other(modality: str, silent: str) -> None:
    both, one = DigitClips(4, 4, 8).split("dev").inputs, DigitClips(4, 4, 8, modality=modality).split("dev").inputs
    assert torch.equal(one[modality], both[modality])
    assert one[silent].shape == both[silent].shape
    assert not one[silent].any()


def test_settings_and_seeds_change_the_noise() -> None:
    dev = DigitClips(4, 4, 8).split("dev")
    others = DigitClips(4, 4, 8, "imbalanced").split("dev"), DigitClips(4, 4, 8).split("dev", seed=1)
    assert all(not torch.equal(dev.inputs["audio"], other.inputs["audio"]) for other in others)


def test_recordings_have_frames_of_the_test_split() -> None:
    clips = DigitClips(4, 6, 8).recordings(load_human_digits(), np.inf)
    shapes = {name: tuple(value.shape) for name, value in clips.inputs.items()}
    assert shapes == {"video": (4, 10, 1, 16, 16), "audio": (6, 10, 1, 32, 8)}
    assert sorted(clips.labels.numpy()) == list(range(10))


def test_what_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="modality 'touch' is not one of both, video, audio"):
        DigitClips(4, 4, 8, modality="touch")
    with pytest.raises(ValueError, match="a chunk of 37 frames; a spectrogram has 36"):
        DigitClips(4, 4, 37)
    with pytest.raises(ValueError, match="no setting 'loud'"):
        DigitClips(4, 4, 8, "loud").split("dev")
