"""WAV files in: mono PCM of 8 or 16 bit at any rate, resampled to the 8 kHz of `models.data.mel_spectrogram`."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.mel_spectrogram import RATE

SHORTEST = RATE // 100
"""Samples (10 ms)."""


class RecordingError(ValueError):
    """A recording that cannot be used: which file, what is wrong, what it should be."""


def read_recording(path: Path) -> NDArray[np.float64]:
    """
    (samples,) in -1..1 at 8 kHz.

    Raises:
        FileNotFoundError: where there is no such file.
        RecordingError: for what is not mono PCM of 8 or 16 bit, is shorter than 10 ms or silent.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; needed is a WAV file with one spoken word")
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, count = file.getparams()[:4]
            data = file.readframes(count)
    except (wave.Error, EOFError) as error:
        raise RecordingError(f"{path} is not a PCM WAV file: {error}") from error
    if channels != 1 or width not in (1, 2) or rate <= 0:
        raise RecordingError(
            f"{path} has {channels} channels of {8 * width} bit at {rate} Hz; needed is mono, 8 or 16 bit"
        )
    samples = _samples(data, width)
    if len(samples) * RATE < SHORTEST * rate or not samples.any():
        raise RecordingError(f"{path} is silent or shorter than 10 ms; needed is one spoken word")
    return resampled(samples, rate)


def _samples(data: bytes, width: int) -> NDArray[np.float64]:
    """WAV has bytes without sign and words with one."""
    if width == 1:
        return (np.frombuffer(data, dtype=np.uint8).astype(np.float64) - 128.0) / 128.0
    return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.float64) / 32768.0


def resampled(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """At 8 kHz, through its Fourier series: what is above 4 kHz is cut."""
    if rate == RATE:
        return samples
    count = len(samples) * RATE // rate
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(count // 2 + 1, dtype=np.complex128)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    return np.fft.irfft(kept, count) * (count / len(samples))
