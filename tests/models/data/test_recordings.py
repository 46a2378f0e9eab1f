"""WAV files that the tests write."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from models.data.recordings import RecordingError, read_recording, resampled


def write_wave(path: Path, samples: np.ndarray, rate: int = 8000, width: int = 2, channels: int = 1) -> Path:
    """Samples in -1..1."""
    data = np.round(samples * 127 + 128).astype(np.uint8) if width == 1 else np.round(samples * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data.tobytes())
    return path


def tone(rate: int, hertz: float = 440.0, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize(("width", "error"), [(1, 1 / 127), (2, 1 / 16384)])
def test_both_widths(width: int, error: float, tmp_path: Path):
    samples = read_recording(write_wave(tmp_path / "a.wav", tone(8000), width=width))
    assert np.abs(samples - tone(8000)).max() <= error


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100])
def test_a_tone_is_the_same_at_every_rate(rate: int):
    """20 whole periods: the series is exact."""
    np.testing.assert_allclose(resampled(tone(rate, 400.0, 2.0), rate), tone(8000, 400.0, 2.0), atol=1e-9)


def test_what_is_above_4_khz_is_cut():
    assert np.abs(resampled(tone(22050, 6000.0, 2.0), 22050)).max() < 1e-9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a PCM WAV file"),
        (b"RIFF????WAVEfmt ", "is not a PCM WAV file"),
        (b"no sound at all", "is not a PCM WAV file"),
    ],
)
def test_other_files_are_named(content: bytes, message: str, tmp_path: Path):
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=rf"odd\.wav {message}"):
        read_recording(path)


def test_stereo_silence_and_nothing(tmp_path: Path):
    with pytest.raises(RecordingError, match="2 channels of 16 bit at 8000 Hz; needed is mono"):
        read_recording(write_wave(tmp_path / "stereo.wav", tone(8000), channels=2))
    with pytest.raises(RecordingError, match="is silent or shorter than 10 ms"):
        read_recording(write_wave(tmp_path / "silent.wav", np.zeros(8000)))
    with pytest.raises(RecordingError, match="is silent or shorter than 10 ms"):
        read_recording(write_wave(tmp_path / "short.wav", tone(8000)[:79]))
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.wav; needed is a WAV file"):
        read_recording(tmp_path / "none.wav")
