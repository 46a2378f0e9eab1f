"""
Makes `models/data/arrays/spoken-digits-*.npz` and `human-digits-*.npz`.

    apt-get install espeak-ng flite
    apt-get download asterisk-core-sounds-en-wav asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav
    for package in asterisk-core-sounds-*.deb; do dpkg -x $package sounds; done
    python -m models.data.make.spoken_digits sounds

Made with espeak-ng 1.51, flite 2.2 and the recordings 1.6.1 of Debian 12. Every voice of espeak-ng speaks each English digit in
six ways (pitch 25 to 75, 110 to 200 words a minute, another accent each time) and each Italian and Russian one in one; flite's
voices speak English in eight (durations x 0.75 to 1.35, base pitch -25 to +35 Hz).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from models.data.mel_spectrogram import decibels
from models.data.recordings import read_recording
from models.data.spoken_digits import ARRAYS, families

SEED = 7
WORDS = {
    "en": "zero one two three four five six seven eight nine",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "ru": "ноль один два три четыре пять шесть семь восемь девять",
}
ACCENTS = {
    "en": "en-us en-gb en-gb-scotland en-gb-x-rp en-gb-x-gbclan en-gb-x-gbcwmd en-029 en-us-nyc",
    "it": "it",
    "ru": "ru",
}
WAYS = {"en": 6, "it": 1, "ru": 1}
"""In how many ways a voice of espeak-ng says each digit."""
FLITE_WAYS = 8
FLITE_PITCH = {"kal": 105, "kal16": 105, "awb": 120, "rms": 100, "slt": 170}
"""Hz, of the voices as they come."""
PEOPLE = {"en": "en_US_f_Allison", "it": "it_IT_m_Carlo", "ru": "ru_RU_f_IvrvoiceRU"}
"""Folders of the recordings below usr/share/asterisk/sounds."""


@dataclass(frozen=True)
class Utterance:
    """A digit, and the command that speaks it into the file whose name is added at its end."""

    voice: str
    digit: int
    command: tuple[str, ...]


def utterances(language: str) -> Iterator[Utterance]:
    """Everything that is synthesised in `language`, the same on every call."""
    rng = np.random.default_rng(SEED)
    words, accents = WORDS[language].split(), ACCENTS[language].split()
    for voice in sorted(voice for split in ("train", "dev", "test") for family in families(split) for voice in family):
        is_flite = voice.startswith("flite-")
        if is_flite and language != "en":
            continue
        first = int(rng.integers(len(accents)))
        for way in range(FLITE_WAYS if is_flite else WAYS[language]):
            accent = accents[(first + way) % len(accents)]
            command = _flite(voice.removeprefix("flite-"), rng) if is_flite else _espeak(f"{accent}+{voice}", rng)
            yield from (Utterance(voice, digit, _spoken(command, word)) for digit, word in enumerate(words))


def _espeak(voice: str, rng: np.random.Generator) -> tuple[str, ...]:
    pitch, speed = rng.integers((25, 110), (76, 201))
    return ("espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed))


def _flite(voice: str, rng: np.random.Generator) -> tuple[str, ...]:
    stretch, shift = rng.uniform((0.75, -25.0), (1.35, 35.0))
    pitch = FLITE_PITCH[voice] + shift
    settings = ("--setf", f"duration_stretch={stretch:.3f}", "--setf", f"int_f0_target_mean={pitch:.1f}")
    return ("flite", "-voice", voice, *settings)


def _spoken(command: tuple[str, ...], word: str) -> tuple[str, ...]:
    return (*command, "-t", word, "-o") if command[0] == "flite" else (*command, word, "-w")


def synthesised(utterance: Utterance) -> NDArray[np.uint8]:
    """(32, 36) dB of what the command speaks."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "word.wav"
        subprocess.run([*utterance.command, str(file)], check=True, capture_output=True)
        return decibels(read_recording(file))


def write_clips(path: Path, clips: list[NDArray[np.uint8]], labels: list[int], voices: list[str]) -> None:
    """One array file as `models.data.spoken_digits` reads it."""
    names = sorted(set(voices))
    indices = np.array([names.index(voice) for voice in voices], dtype=np.uint8)
    arrays = {"decibels": np.stack(clips), "labels": np.array(labels, dtype=np.uint8), "voices": indices}
    np.savez_compressed(path, **arrays, names=np.array(names))


def make(sounds: Path) -> None:
    """All array files; `sounds` has the unpacked recordings."""
    for language, person in PEOPLE.items():
        folder = sounds / "usr/share/asterisk/sounds" / person / "digits"
        spoken = [decibels(read_recording(folder / f"{digit}.wav")) for digit in range(10)]
        write_clips(ARRAYS / f"human-digits-{language}.npz", spoken, list(range(10)), [person] * 10)
        todo = list(utterances(language))
        with ThreadPoolExecutor() as pool:
            clips = list(pool.map(synthesised, todo))
        labels, voices = [each.digit for each in todo], [each.voice for each in todo]
        write_clips(ARRAYS / f"spoken-digits-{language}.npz", clips, labels, voices)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
