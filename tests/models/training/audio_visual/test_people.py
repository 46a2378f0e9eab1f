"""What people's clips are, and the command's lines."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from compile.command.exit_code import EXIT_USAGE
from models import taaf
from models.data.speech_noise import CLEAN
from models.data.spoken_digits import load_human_digits
from models.training.audio_visual import people
from models.training.audio_visual.digit_clips import DigitClips
from models.training.audio_visual.people import human_clips, main

CLIPS = DigitClips(4, 4, 8)
CLIPS_OF_TAAF = taaf.digit_clips(taaf.CONFIGS["av-digits"])
TAAF = str(taaf.__file__)


def test_without_a_folder_there_are_the_test_split_and_one_person() -> None:
    found = human_clips(CLIPS, None)
    assert {name: len(clips.labels) for name, clips in found.items()} == {"test": 920, "person": 10}


def test_a_folder_is_heard_clean_and_in_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for digit in (3, 7):
        with wave.open(str(tmp_path / f"{digit}_anna_0.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes((8000 * rng.standard_normal(6000)).clip(-32000, 32000).astype("<i2").tobytes())
    found = human_clips(CLIPS, tmp_path)
    clean, noisy = found["recordings, clean"], found["recordings, 10 dB"]
    assert sorted(clean.labels.numpy()) == [3, 7]
    assert not torch.equal(clean.inputs["audio"], noisy.inputs["audio"])


def test_weights_of_a_file_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last bias decides for class 7, so that one clip of ten is right."""
    network = taaf.build("av-digits")
    state = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    last = next(name for name in reversed(state) if name.endswith("bias"))
    state[last][7] = 1.0
    torch.save(state, tmp_path / "w.pt")
    person = CLIPS_OF_TAAF.recordings(load_human_digits(), CLEAN)
    monkeypatch.setattr(people, "human_clips", lambda clips, folder: {"person": person})
    assert main([str(taaf.__file__), "--config", "av-digits", "--weights", str(tmp_path / "w.pt")]) == 0
    assert capsys.readouterr().out == "person: 10 clips, 10.0 %\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/none.py"], "no model file"),
        (["{}/broken.py"], "broken.py does not run: SyntaxError"),
        (["{}/fails.py"], "fails.py: KeyError: 'a'\n  hint    raised at {0}/fails.py:1"),
        (["{}/empty.py"], "empty.py has no CONFIGS, build, weights, load_weights, digit_clips"),
        ([TAAF, "--config", "x"], "no configuration 'x' of TAAF"),
        ([TAAF, "--config", "published-64"], "no weights of 'published-64' come along"),
        ([TAAF, "--weights", "{}/none.pt"], "no weights file"),
        ([TAAF, "--weights", "{}/empty.py"], "torch cannot read tensors from it"),
        ([TAAF, "--weights", "{}/other.pt"], "is missing (and 208 more)"),
        ([TAAF, "{}/nowhere"], "no folder"),
    ],
)
def test_what_is_wrong_is_a_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text("def")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "fails.py").write_text(
        "build = lambda config: {}['a']\nCONFIGS = {'a': 1}\nweights = load_weights = digit_clips = None"
    )
    torch.save({"w": torch.zeros(2)}, tmp_path / "other.pt")
    assert main([argument.format(tmp_path) for argument in arguments]) == EXIT_USAGE
    told = capsys.readouterr().err
    assert message.replace("{0}", str(tmp_path)) in told
    assert told.count("\n") <= 2


@pytest.mark.slow
def test_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert taaf.weights("av-digits") is not None
    assert main([str(taaf.__file__)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["test: 920 clips", "person: 10 clips"]
