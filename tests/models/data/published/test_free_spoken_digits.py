"""A folder of recordings, made by the test."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from models.data.mel_spectrogram import decibels
from models.data.published.free_spoken_digits import load_free_spoken_digits
from models.data.recordings import RecordingError


def write(path: Path, hertz: float) -> np.ndarray:
    samples = np.round(8000 * np.sin(2 * np.pi * hertz * np.arange(3000) / 8000)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return samples / 32768


def test_labels_and_speakers_are_in_the_names(tmp_path: Path):
    low = write(tmp_path / "7_anna_12.wav", 300)
    high = write(tmp_path / "0_bert_smith_0.wav", 2000)
    (tmp_path / "README.md").write_text("recordings")
    clips = load_free_spoken_digits(tmp_path)
    assert clips.labels.tolist() == [0, 7]
    assert clips.voices == ("bert_smith", "anna")
    np.testing.assert_array_equal(clips.decibels, np.stack((decibels(high), decibels(low))))


@pytest.mark.parametrize("name", ["seven_anna_0.wav", "7_anna.wav", "12_anna_0.wav", "7-anna-0.wav"])
def test_other_names_are_refused(name: str, tmp_path: Path):
    write(tmp_path / name, 300)
    with pytest.raises(RecordingError, match=f"{name} is not named digit_speaker_index.wav, as 7_anna_0.wav is"):
        load_free_spoken_digits(tmp_path)


def test_bad_recordings_and_folders(tmp_path: Path):
    with pytest.raises(RecordingError, match=r"has no \.wav file"):
        load_free_spoken_digits(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*none; needed is one with recordings"):
        load_free_spoken_digits(tmp_path / "none")
    (tmp_path / "7_anna_0.wav").write_bytes(b"no sound")
    with pytest.raises(RecordingError, match=r"7_anna_0\.wav is not a PCM WAV file"):
        load_free_spoken_digits(tmp_path)
