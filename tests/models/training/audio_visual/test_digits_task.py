"""The task of the compiler: inputs of the whole test split, metrics by hand, refusals; examples are test clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.training.audio_visual.digit_clips import DigitClips
from models.training.audio_visual.digits_task import AudioVisualTask, example_clips

CLIPS = DigitClips(4, 4, 8)
TASK = AudioVisualTask(CLIPS)


def test_inputs_are_the_whole_test_split() -> None:
    inputs, test = TASK.inputs("network"), CLIPS.split("test")
    assert {name: value.shape for name, value in inputs.items()} == {
        "video": (4, 920, 1, 16, 16),
        "audio": (4, 920, 1, 32, 8),
    }
    assert np.array_equal(inputs["audio"], test.audio.numpy())
    assert TASK.inputs("network", "dev")["video"].shape[1] == 680


def test_metrics_of_scores() -> None:
    labels = CLIPS.split("test").labels
    right = 20.0 * torch.nn.functional.one_hot(labels, 10).float()
    wrong = right.roll(1, dims=1)
    half = torch.cat((right[:460], wrong[460:])).numpy()
    found = TASK.metrics({"network": {"scores": half}})
    assert tuple(found) == TASK.metric_names
    assert list(found)[-1] == "accuracy", "sweeps judge by the last, larger is better"
    assert found["accuracy"] == 50.0
    assert found["cross entropy"] == pytest.approx(10.0, abs=1e-4)


def test_examples_are_clips_seen_and_heard_with_their_most_likely_digits() -> None:
    test = CLIPS.split("test")
    scores = np.tile(np.arange(10, dtype=np.float32), (920, 1))
    examples = TASK.examples({"network": {"scores": scores}})
    assert [example["sample"] for example in examples][:2] == ["clip 38, film and sound", "clip 115, film and sound"]
    assert {tuple(example["answers"]) for example in examples} == {("9", "8", "7")}
    assert [example["expected"] for example in examples[:2]] == [[str(int(test.labels[row]))] for row in (38, 115)]
    image, (frames, sound) = examples[0]["image"], (array[:, 38, 0].numpy() for array in (test.video, test.audio))
    assert image.shape == (32, 64)
    assert image[31, 30] == pytest.approx(frames[:, 15, 15].mean())
    assert image[31, 32] == sound[0, 0, 0], "the lowest band is below"
    assert image[0, 63] == sound[3, 31, 7]


def test_the_sound_of_an_example_is_no_longer_than_a_clip() -> None:
    task = AudioVisualTask(DigitClips(4, 4, 32))
    assert task.examples({"network": {"scores": np.zeros((920, 10), np.float32)}})[0]["image"].shape == (32, 64)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no part 'image'; there is network"):
        TASK.inputs("image")
    refused: list[dict[str, dict[str, NDArray[np.float32]]]] = [
        {},
        {"network": {}},
        {"network": {"scores": np.zeros((3, 10), np.float32)}},
    ]
    for outputs in refused:
        with pytest.raises(ValueError, match=r"one output, scores \(920, 10\), of the part 'network'"):
            TASK.metrics(outputs)


def test_examples_are_clips_that_no_test_hears() -> None:
    first, again, other = (example_clips(CLIPS, 3, seed) for seed in (0, 0, 1))
    assert torch.equal(first["audio"], again["audio"])
    assert not torch.equal(first["audio"], other["audio"])
    dev = CLIPS.split("dev").video
    assert any(torch.equal(first["video"][:, 0], dev[:, index]) for index in range(680))
    with pytest.raises(ValueError, match="681 samples asked for; there are 1 to 680"):
        example_clips(CLIPS, 681, 0)
