"""The digits task is hard without learning, and learned with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models import cmsf
from models.data.digits import load_split
from models.networks.cmsf.parts import initial_parts
from models.retrieval.digits_task import DigitsTask

SCENES = 200
CHANCE_SUM = 2 * 100 * (1 + 5 + 10) / SCENES
"""Expected R@Sum of random scores: 100 k / images for each cut, in both directions."""


@pytest.fixture(scope="module")
def task() -> DigitsTask:
    task = cmsf.task("digits")
    assert task is not None
    return task


def _embeddings(task: DigitsTask, scenes: int) -> dict[str, np.ndarray]:
    regions = torch.from_numpy(task.inputs("image")["regions"][:scenes].copy())
    words = torch.from_numpy(task.inputs("text")["words"][: 5 * scenes])
    with torch.no_grad():
        image, text = task.encoders["image"](regions), task.encoders["text"](words)
    return {"image": image.emb.numpy(), "text": text.emb.numpy()}


def _metrics(task: DigitsTask, image: np.ndarray, text: np.ndarray) -> dict[str, float]:
    return task.metrics({"image": {"emb": image}, "text": {"emb": text}})


def test_untrained_models_are_at_chance(task: DigitsTask) -> None:
    for parts in (cmsf.build("digits"), initial_parts(cmsf.CONFIGS["digits"], seed=1)):
        emb = _embeddings(DigitsTask(parts), SCENES)
        assert _metrics(task, emb["image"], emb["text"])["R@Sum"] < 2 * CHANCE_SUM


def test_one_modality_alone_is_at_chance(task: DigitsTask) -> None:
    """The trained encoders, one of them seeing the inputs of other scenes."""
    emb = _embeddings(task, SCENES)
    rng = np.random.default_rng(0)
    wrong_images = emb["image"][rng.permutation(SCENES)]
    assert _metrics(task, wrong_images, emb["text"])["R@Sum"] < 2 * CHANCE_SUM
    same_image = np.repeat(emb["image"][:1], SCENES, axis=0)
    assert _metrics(task, same_image, emb["text"])["R@Sum"] < 2 * CHANCE_SUM
    same_caption = np.repeat(emb["text"][:1], 5 * SCENES, axis=0)
    assert _metrics(task, emb["image"], same_caption)["R@Sum"] < 2 * CHANCE_SUM


@pytest.mark.slow
@pytest.mark.parametrize("config", ["digits", "digits-spike"])
def test_trained_model_is_far_above_chance_and_not_perfect(config: str) -> None:
    task = cmsf.task(config)
    assert task is not None
    emb = _embeddings(task, 300)
    metrics = _metrics(task, emb["image"], emb["text"])
    assert 20 < metrics["i2t R@1"] < 95
    assert 20 < metrics["t2i R@1"] < 95


def test_inputs_have_one_row_per_scene_caption_and_pair(task: DigitsTask) -> None:
    assert task.inputs("image")["regions"].shape == (1000, 12, 72)
    assert task.inputs("text")["words"].shape == (5000, 12, 64)
    assert task.inputs("image", "dev")["regions"].shape == (500, 12, 72)
    pairs = task.inputs("fusion", "dev")
    assert {name: value.shape for name, value in pairs.items()} == {
        name: (500, 12, 64) for name in ("image_emb", "text_emb", "image_early", "text_early")
    }
    with torch.no_grad():
        text = task.encoders["text"](torch.from_numpy(task.inputs("text", "dev")["words"][:15]))
    np.testing.assert_allclose(pairs["text_emb"][2], text.emb[10].numpy(), atol=1e-5)


def test_examples_are_scenes_with_the_captions_that_are_found_and_those_that_are_true(task: DigitsTask) -> None:
    """Embeddings of one direction per scene; every second of the scenes shown is embedded like the one before it."""
    own = np.random.default_rng(0).standard_normal((1000, 1, 64)).astype(np.float32)
    own /= np.linalg.norm(own, axis=2, keepdims=True)
    images = own.copy()
    scenes = [41, 125, 208, 291, 375, 458, 541, 625, 708, 791, 875, 958]
    images[scenes[1::2]] = own[scenes[::2]]
    outputs = {"image": images, "text": np.repeat(own, 5, axis=0)}
    examples = task.examples({part: {"emb": np.repeat(emb, 12, axis=1)} for part, emb in outputs.items()})
    data = load_split("test")
    assert [example["sample"] for example in examples] == [f"scene {scene}" for scene in scenes]
    for number, (scene, example) in enumerate(zip(scenes, examples, strict=True)):
        found = scenes[number - number % 2]
        assert example["expected"] == [*data.captions[5 * scene : 5 * scene + 5]]
        assert example["answers"] == [*data.captions[5 * found : 5 * found + 3]]
        assert example["image"].shape == (96, 96)
        assert example["image"].min() < 0.5 < np.median(example["image"]) <= example["image"].max() <= 1.0
    with pytest.raises(ValueError, match="needs the output 'emb' of the image part"):
        task.examples({})


def test_bad_requests_are_named(task: DigitsTask) -> None:
    with pytest.raises(ValueError, match="no part 'audio'; there are image, text, fusion"):
        task.inputs("audio")
    with pytest.raises(ValueError, match="no split 'val'"):
        task.inputs("image", "val")
    with pytest.raises(ValueError, match="needs the output 'emb' of the text part"):
        task.metrics({"image": {"emb": np.zeros((1, 12, 64), np.float32)}})
    with pytest.raises(ValueError, match="2 images need 10 captions, not 9"):
        _metrics(task, np.zeros((2, 12, 64), np.float32), np.zeros((9, 12, 64), np.float32))
