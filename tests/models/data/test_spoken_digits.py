"""The committed clips: complete, disjoint, and what their licences allow."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from models.data.spoken_digits import ARRAYS, LANGUAGES, families, load_human_digits, load_spoken_digits

SPLITS = ("train", "dev", "test")


def voices(split: str) -> set[str]:
    return {voice for family in families(split) for voice in family}


def test_79_voices_each_in_one_split():
    assert len(voices("train") | voices("dev") | voices("test")) == 79
    assert all(not voices(a) & voices(b) for a, b in combinations(SPLITS, 2))


@pytest.mark.parametrize("name", ["klatt", "iven", "Gene", "RicishayMax", "flite-kal"])
def test_second_versions_are_in_the_split_of_the_first(name: str):
    """A voice and its number two, except where their formants differ (`RicishayMax2`)."""
    split = next(split for split in SPLITS if name in voices(split))
    second = {"klatt": "klatt2", "iven": "iven2", "Gene": "Gene2", "flite-kal": "flite-kal16"}.get(name, "RicishayMax")
    assert second in voices(split)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_voice_says_every_digit(split: str, language: str):
    clips = load_spoken_digits(split, language)
    speakers = {voice for voice in voices(split) if language == "en" or not voice.startswith("flite")}
    assert set(clips.voices) == speakers
    assert clips.decibels.shape == (len(clips.labels), 32, 36)
    assert len(clips.voices) == len(clips.labels)
    spoken = {voice: np.zeros(10, dtype=int) for voice in speakers}
    for voice, digit in zip(clips.voices, clips.labels, strict=True):
        spoken[voice][digit] += 1
    ways = {voice: (8 if voice.startswith("flite") else 6) if language == "en" else 1 for voice in speakers}
    assert all((spoken[voice] == ways[voice]).all() for voice in speakers)
    assert (clips.decibels.max(axis=(1, 2)) == 60).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_say_each_digit_once(language: str):
    clips = load_human_digits(language)
    assert clips.labels.tolist() == list(range(10))
    assert len(set(clips.voices)) == 1
    assert not set(clips.voices) & (voices("train") | voices("dev") | voices("test"))


def test_every_array_has_its_licence_beside_it():
    licences = {path.name.split(".")[0] for path in ARRAYS.glob("*.LICENSE.*")}
    arrays = [path.stem for path in ARRAYS.glob("*.npz")] + [path.stem for path in ARRAYS.glob("*.json")]
    assert arrays
    assert not [name for name in arrays if name not in licences and name.rpartition("-")[0] not in licences]
    people = {path.name: path.read_text() for path in ARRAYS.glob("human-*.LICENSE.md")}
    assert "CC-BY-SA-3.0" in people["human-digits-en.LICENSE.md"]
    assert sum("CC-BY-3.0" in text for text in people.values()) == 2


def test_all_arrays_together_are_small():
    assert sum(path.stat().st_size for path in ARRAYS.iterdir()) < 8_000_000


def test_unknown_splits_and_languages_are_named():
    with pytest.raises(ValueError, match="no split 'val'; there are train, dev, test"):
        load_spoken_digits("val")
    with pytest.raises(ValueError, match="no language 'fr'; there are en, it, ru"):
        load_human_digits("fr")
