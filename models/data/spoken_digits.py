"""
Spoken digits: 79 synthesised voices for training, and human ones for testing only.

The clips in `arrays/spoken-digits-<language>.npz` were synthesised by `python -m models.data.make.spoken_digits` with espeak-ng's
voice variants and flite's voices, in English, and less of it in Italian and Russian. The splits share no voice, and voices that
are near copies of one another (a variant and its second version, the same formants with another pitch) are in one split.
`arrays/human-digits-<language>.npz` has each digit once, said by a person: a test that no training has seen the like of. Licences
are beside the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ARRAYS = Path(__file__).parent / "arrays"
LANGUAGES = ("en", "it", "ru")
TRAIN = (
    "klatt klatt2 klatt3 klatt4 klatt5 adam caleb david, steph steph2, Alicia, anika, Jacky, marcelo, zac, Lee, edward, Storm, "
    "iven iven2, aunty belinda linda f4, f1, Mario Michael gustave, Nguyen m7 m8, Diogo Henrique Hugo michel miguel, m2, Annie, "
    "antonio pedro, rob robert, m5, Gene Gene2, m4, ed, m3, Denis, Alex, flite-slt, flite-kal flite-kal16"
)
DEV = "RicishayMax2, Marco, Andy, announcer, quincy, m6, f2 f5, m1, Mike, flite-rms"
TEST = "shelby, travis, Andrea, benjamin, f3, john norbert pablo, victor, RicishayMax boris max paul, sandro, flite-awb"
"""Voices; commas part families, whose members are relatives. Families were dealt to the splits by how well a small network that
had not heard them understood them, so that the splits are about equally hard."""


def families(split: str) -> tuple[tuple[str, ...], ...]:
    """
    The voices of `split`, relatives together.

    Raises:
        ValueError: for a split other than train, dev and test.
    """
    voices = {"train": TRAIN, "dev": DEV, "test": TEST}
    if split not in voices:
        raise ValueError(f"no split {split!r}; there are {', '.join(voices)}")
    return tuple(tuple(family.split()) for family in voices[split].split(","))


@dataclass(frozen=True)
class SpokenDigits:
    """Clips in any order."""

    decibels: NDArray[np.uint8]
    """(clips, 32 bands, 36 frames) whole dB above a floor 60 dB under the loudest cell (`models.data.mel_spectrogram`)."""
    labels: NDArray[np.int64]
    """(clips,) digits."""
    voices: tuple[str, ...]


@lru_cache(maxsize=6)
def load_spoken_digits(split: str, language: str = "en") -> SpokenDigits:
    """
    The synthesised clips of `split`.

    Raises:
        ValueError: for another split or language than there are.
    """
    members = {voice for family in families(split) for voice in family}
    clips = _read("spoken-digits", language)
    chosen = np.array([voice in members for voice in clips.voices])
    voices = tuple(voice for voice in clips.voices if voice in members)
    return SpokenDigits(clips.decibels[chosen], clips.labels[chosen], voices)


def load_human_digits(language: str = "en") -> SpokenDigits:
    """
    Ten digits, each said once by a person. For testing only: `human-digits-en.npz` may be shared under its own licence alone.

    Raises:
        ValueError: for another language than there are.
    """
    return _read("human-digits", language)


def _read(stem: str, language: str) -> SpokenDigits:
    if language not in LANGUAGES:
        raise ValueError(f"no language {language!r}; there are {', '.join(LANGUAGES)}")
    with np.load(ARRAYS / f"{stem}-{language}.npz", allow_pickle=False) as arrays:
        names: list[str] = arrays["names"].tolist()
        indices: list[int] = arrays["voices"].tolist()
        voices = tuple(names[index] for index in indices)
        return SpokenDigits(arrays["decibels"], arrays["labels"].astype(np.int64), voices)
