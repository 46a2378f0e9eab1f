"""What people's clips are, and the command's lines."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from models import taaf
from models.training.audio_visual.digit_clips import DigitClips
from models.training.audio_visual.people import human_clips, main

CLIPS = DigitClips(4, 4, 8)


def test_without_a_folder_there_are_the_test_split_and_one_person() -> None:
    found = human_clips(CLIPS, "")
    assert {name: len(clips.labels) for name, clips in found.items()} == {"test": 920, "person": 10}


def test_a_folder_is_heard_clean_and_in_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for digit in (3, 7):
        with wave.open(str(tmp_path / f"{digit}_anna_0.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes((8000 * rng.standard_normal(6000)).clip(-32000, 32000).astype("<i2").tobytes())
    found = human_clips(CLIPS, str(tmp_path))
    clean, noisy = found["recordings, clean"], found["recordings, 10 dB"]
    assert sorted(clean.labels.numpy()) == [3, 7]
    assert not torch.equal(clean.audio, noisy.audio)


@pytest.mark.slow
def test_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert taaf.weights("av-digits") is not None
    main(taaf)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["test: 920 clips", "person: 10 clips"]
