"""Classification into groups: the task by hand, and what training does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.data.emoji_styles import group_names, load_split
from models.retrieval.emoji_groups import EmojiGroupsTask, groups_training
from models.spikformer import Spikformer, SpikformerConfig

TASK = EmojiGroupsTask()


def test_right_scores_are_right() -> None:
    groups = np.concatenate([load_split(split).groups for split in ("test-style", "test-concepts")])
    scores = np.eye(8, dtype=np.float32)[groups]
    assert TASK.metrics({"network": {"y": scores}}) == {"unseen accuracy": 100.0, "accuracy": 100.0}
    scores[1100:] = np.eye(8, dtype=np.float32)[(groups[1100:] + 1) % 8]
    assert TASK.metrics({"network": {"y": scores}}) == {"unseen accuracy": 0.0, "accuracy": 100.0}


def test_examples_are_drawings_with_their_most_likely_groups() -> None:
    groups, names = load_split("test-style").groups, group_names()
    scores = np.tile(np.arange(8, dtype=np.float32), (1260, 1))
    scores[52] = 0
    first, second, *others = TASK.examples({"network": {"y": scores}})
    assert (first["answers"], first["expected"]) == ([*names[:3]], [names[groups[52]]])
    assert (second["answers"], second["expected"]) == ([names[7], names[6], names[5]], [names[groups[157]]])
    assert first["sample"] == "drawing 52 of test-style"
    np.testing.assert_array_equal(first["image"], load_split("test-style").images[52])
    assert len(others) == 10


def test_inputs_are_the_whole_test_set() -> None:
    assert TASK.inputs("network")["images"].shape == (1260, 3, 32, 32)
    with pytest.raises(ValueError, match="no part 'image'; there is network"):
        TASK.inputs("image")


def test_a_step_of_each_stage_learns_and_what_is_saved_loads(tmp_path: Path) -> None:
    network = Spikformer(SpikformerConfig(D=8, heads=2, classes=8, depth=1, T=2))
    training = groups_training(network, epochs=1)
    for stage in training.stages:
        before = network.head.weight.clone()
        batch = stage.batches(np.random.default_rng(0))[0][:6]
        torch.stack(list(stage.losses(batch).values())).sum().backward()
        stage.optimiser.step()
        assert not torch.equal(before, network.head.weight)
        assert stage.epochs == 1
        assert stage.select == "mean"
    assert network.steps == 2
    training.save(tmp_path / "w.pt")
    network.load_state_dict(torch.load(tmp_path / "w.pt", weights_only=True))
