"""Noise has the power that is asked for, and copies are warped clips."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.data import speech_noise
from models.data.mel_spectrogram import band_frequencies, decibels, mel_bank
from models.data.speech_noise import CLEAN, other_speakers, with_noise


def clips(count: int = 4) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.stack([decibels(rng.standard_normal(4000)) for _ in range(count)])


def test_clean_clips_stay_as_they_are():
    some = clips()
    noisy = with_noise(some, np.full(4, CLEAN), np.random.default_rng(0))
    np.testing.assert_array_equal(noisy, some)


@pytest.mark.parametrize("snr", [10.0, 0.0, -10.0])
def test_noise_has_its_share_of_the_power(snr: float):
    """One cell of speech: everything around it is noise."""
    speech = np.zeros((1, 32, 36), dtype=np.uint8)
    speech[0, 30, 18] = 60
    power = 10.0 ** (with_noise(speech, np.array([snr]), np.random.default_rng(1))[0].astype(float) / 10.0)
    around = power.sum() - power[30, 18]
    assert 10 * np.log10(power[30, 18] / around) == pytest.approx(snr, abs=0.5)


def test_noise_is_pink():
    """Power over frequency: a band at 2 kHz has a tenth of one at 200 Hz."""
    faint = np.zeros((200, 32, 36), dtype=np.uint8)
    faint[:, 0, 0] = 60
    power = 10.0 ** (with_noise(faint, np.full(200, -30.0), np.random.default_rng(2)) / 10.0)
    by_band = power[:, :, 5:].mean(axis=(0, 2))
    centre = mel_bank() @ band_frequencies()
    slope = np.polyfit(np.log10(centre[4:]), np.log10(by_band[4:]), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.1)


def test_portions_are_one_stream(monkeypatch: pytest.MonkeyPatch):
    some, snr = clips(4), np.array([5.0, 0.0, CLEAN, -5.0])
    whole = with_noise(some, snr, np.random.default_rng(3))
    monkeypatch.setattr("models.data.speech_noise.PORTION", 3)
    np.testing.assert_array_equal(with_noise(some, snr, np.random.default_rng(3)), whole)
    assert with_noise(some[:0], snr[:0], np.random.default_rng(3)).shape == (0, 32, 36)


UNCHANGED = {
    **{"TEMPO": (1.0, 1.0), "DELAY": 0.0, "TRACT": (1.0, 1.0), "BAND_SHIFT": 0.0},
    **{"TILT_DB": 0.0, "RIPPLE_DB": 0.0, "ECHO": 0.0, "DYNAMICS": (1.0, 1.0), "HIDDEN": 0},
}


def copies_with(monkeypatch: pytest.MonkeyPatch, clips: NDArray[np.uint8], **changes: object) -> NDArray[np.int64]:
    """Copies that differ from their clips in these respects alone."""
    for name, value in {**UNCHANGED, **changes}.items():
        monkeypatch.setattr(speech_noise, name, value)
    return other_speakers(clips, np.random.default_rng(0)).astype(np.int64)


def test_copies_without_warp_are_the_clip(monkeypatch: pytest.MonkeyPatch):
    np.testing.assert_array_equal(copies_with(monkeypatch, clips()), clips())


def test_twice_the_tempo_takes_every_other_frame(monkeypatch: pytest.MonkeyPatch):
    ramp = np.broadcast_to(np.arange(25, 61, dtype=np.uint8), (1, 32, 36))
    copy = copies_with(monkeypatch, ramp, TEMPO=(2.0, 2.0))[0, 7]
    assert (copy[:9] == 0).all()
    assert (copy[27:] == 0).all()
    assert (np.abs(np.diff(copy[9:27]) - 2) <= 1).all()
    assert copy.max() == 60


def test_a_microphone_tilts_the_bands(monkeypatch: pytest.MonkeyPatch):
    """The slope is a straight line over the bands, and the loudest cell stays at 60 dB."""
    copies = copies_with(monkeypatch, np.full((50, 32, 36), 60, dtype=np.uint8), TILT_DB=12.0)
    assert (copies.max(axis=(1, 2)) == 60).all()
    difference = copies[:, -1, 0] - copies[:, 0, 0]
    assert difference.min() < -8
    assert difference.max() > 8
    assert np.abs(difference).max() <= 12
    line = copies[:, :1, 0] + difference[:, None] * np.arange(32) / 31
    assert np.abs(copies[:, :, 0] - line).max() <= 1.01


def test_a_microphone_has_waves_over_the_bands(monkeypatch: pytest.MonkeyPatch):
    """Of whole half waves, so that their mean is 0: no copy is brighter or duller than its clip."""
    copies = copies_with(monkeypatch, np.full((50, 32, 36), 50, dtype=np.uint8), RIPPLE_DB=3.0)
    assert (copies == copies[:, :, :1]).all()
    assert 4 < np.ptp(copies, axis=1).mean() < 24
    waves = copies[:, :, 0] - copies[:, :, 0].mean(axis=1, keepdims=True)
    spectrum = np.abs(waves @ np.cos(np.pi * np.outer(np.arange(32) + 0.5, np.arange(32)) / 32))
    assert (spectrum[:, 2:6].max(axis=1) > 5 * spectrum[:, 8:].max(axis=1)).mean() > 0.9


def test_what_is_below_the_loudest_cell_is_nearer_or_farther(monkeypatch: pytest.MonkeyPatch):
    copies = copies_with(monkeypatch, clips(), DYNAMICS=(0.5, 0.5))
    wanted = np.where(clips() > 0, np.round(60 - 0.5 * (60.0 - clips())), 0)
    np.testing.assert_array_equal(copies, wanted)


def test_a_room_keeps_a_share_of_the_power(monkeypatch: pytest.MonkeyPatch):
    """One loud frame dies away by the same number of decibels per frame in all bands, of each clip its own."""
    click = np.zeros((40, 32, 36), dtype=np.uint8)
    click[:, :, 10] = 60
    copies = copies_with(monkeypatch, click, ECHO=0.5)
    assert (copies[:, :, :10] == 0).all()
    assert (copies[:, :, 10] == 60).all()
    assert (copies == copies[:, :1]).all()
    falls = -np.diff(copies[:, 0, 10:14], axis=1)
    assert falls.min() >= 3
    assert (np.ptp(falls, axis=1)[copies[:, 0, 13] > 0] <= 1).all()
    assert len(np.unique(falls[:, 0])) > 5


def test_a_run_of_bands_and_one_of_frames_are_silent(monkeypatch: pytest.MonkeyPatch):
    copies = copies_with(monkeypatch, np.full((3000, 32, 36), 60, dtype=np.uint8), HIDDEN=8)
    silent = copies == 0
    assert ((copies == 60) | silent).all()
    bands, frames = silent.all(axis=2), silent.all(axis=1)
    np.testing.assert_array_equal(silent, bands[:, :, None] | frames[:, None])
    for hidden, size in ((bands, 32), (frames, 36)):
        assert {*hidden.sum(axis=1)} == {*range(9)}
        edges = np.diff(np.pad(hidden, ((0, 0), (1, 1))).astype(int), axis=1)
        assert ((edges == 1).sum(axis=1) <= 1).all()
        assert hidden.any(axis=0).sum() == size
