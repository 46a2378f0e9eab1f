"""Spectrograms of sounds whose spectrogram is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.mel_spectrogram import BANDS, FRAMES, RATE, SAMPLES, band_frequencies, decibels, mel_bank


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)


@pytest.mark.parametrize("hertz", [200.0, 500.0, 1000.0, 3000.0])
def test_tone_is_loudest_in_its_band(hertz: float):
    picture = decibels(tone(hertz))
    assert picture.shape == (BANDS, FRAMES)
    assert picture.max() == 60
    loudest = int(picture[:, 18].argmax())
    assert mel_bank()[loudest, np.abs(band_frequencies() - hertz).argmin()] > 0
    assert (picture[loudest] == picture[loudest, 0]).all()


def test_a_tenth_of_the_amplitude_is_20_decibels_less():
    second_half_softer = tone(1000.0, 0.9) * np.where(np.arange(7200) < 3600, 1.0, 0.1)
    band = int(decibels(tone(1000.0))[:, 18].argmax())
    row = decibels(second_half_softer)[band].astype(int)
    assert row[5] - row[30] == 20


def test_bands_are_means_over_frequencies():
    bank = mel_bank()
    np.testing.assert_allclose(bank.sum(axis=1), 1.0)
    centres = bank @ band_frequencies()
    assert (np.diff(centres) >= 0).all()
    assert centres[0] > 60.0
    assert centres[-1] < 3900.0


def test_silence_around_a_word_does_not_matter():
    word = tone(700.0, 0.3)
    around = np.concatenate((np.zeros(2000), word, np.zeros(400)))
    np.testing.assert_array_equal(decibels(around), decibels(np.concatenate((np.zeros(800), word, np.zeros(4000)))))


def test_long_words_are_cut_at_both_ends():
    word = np.concatenate((tone(500.0, 0.5), tone(2000.0, 0.5)))
    picture = decibels(word)
    low, high = picture[:, :10].mean(axis=1).argmax(), picture[:, -10:].mean(axis=1).argmax()
    assert len(word) > SAMPLES
    assert low < high


@pytest.mark.parametrize("wave", [np.zeros(8000), np.ones(79)])
def test_silence_has_no_spectrogram(wave: np.ndarray):
    with pytest.raises(ValueError, match="silent or shorter than 10 ms"):
        decibels(wave)
