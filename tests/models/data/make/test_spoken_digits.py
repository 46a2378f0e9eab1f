"""What is said, by whom and how; and files as the loader reads them."""

from __future__ import annotations

from pathlib import Path
from shutil import which

import numpy as np
import pytest

from models.data import spoken_digits
from models.data.make.spoken_digits import synthesised, utterances, write_clips


@pytest.mark.parametrize(("language", "count"), [("en", 10 * (74 * 6 + 5 * 8)), ("it", 740), ("ru", 740)])
def test_every_voice_speaks(language: str, count: int):
    spoken = list(utterances(language))
    assert len(spoken) == count
    assert spoken == list(utterances(language))
    assert len({each.command for each in spoken}) == count
    assert [each.digit for each in spoken[:10]] == list(range(10))


def test_commands():
    by_voice = {each.voice: each.command for each in utterances("en") if each.digit == 7}
    assert by_voice["klatt"][0] == "espeak-ng"
    assert by_voice["klatt"][2].endswith("+klatt")
    assert by_voice["klatt"][-2:] == ("seven", "-w")
    assert by_voice["flite-slt"][:3] == ("flite", "-voice", "slt")
    assert by_voice["flite-slt"][-3:] == ("-t", "seven", "-o")
    assert {each.command[2] for each in utterances("ru") if each.voice == "m1"} == {"ru+m1"}


def test_files_are_what_the_loader_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clips = [np.full((32, 36), value, dtype=np.uint8) for value in (60, 20, 30)]
    write_clips(tmp_path / "human-digits-en.npz", clips, [3, 1, 2], ["b", "a", "b"])
    monkeypatch.setattr(spoken_digits, "ARRAYS", tmp_path)
    read = spoken_digits.load_human_digits("en")
    assert read.decibels[:, 0, 0].tolist() == [60, 20, 30]
    assert read.labels.tolist() == [3, 1, 2]
    assert read.voices == ("b", "a", "b")


@pytest.mark.skipif(
    which("espeak-ng") is None or which("flite") is None, reason="espeak-ng and flite are not installed"
)
@pytest.mark.parametrize("voice", ["f3", "flite-kal"])
def test_the_programs_make_what_is_committed(voice: str):
    first = next(each for each in utterances("en") if each.voice == voice)
    split = next(
        split for split in ("train", "dev", "test") if (voice,) in spoken_digits.families(split) or voice == "flite-kal"
    )
    clips = spoken_digits.load_spoken_digits(split if voice == "f3" else "train")
    np.testing.assert_array_equal(synthesised(first), clips.decibels[clips.voices.index(voice)])
