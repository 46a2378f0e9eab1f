"""SpikeCLIP's training: stages, batches, what learns and what stays."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from models.data.emoji_styles import load_split
from models.data.emoji_words import spelled
from models.networks.spikeclip import checkpoints
from models.networks.spikeclip.config import SpikeClipConfig
from models.networks.spikeclip.parts import initial_parts
from models.networks.spikeclip.teacher import SmallTeacher
from models.retrieval.emoji_texts import captions
from models.retrieval.emoji_training import emoji_fine_tuning, emoji_training, one_cycle

TINY = SpikeClipConfig(D=8, heads=2, E=8, vocabulary=3072, positions=20, pool="spike", depth=1, T=2)
LEARNING = {"teacher": "teacher", "text": "text", **dict.fromkeys(("align", "first", "tune", "settle"), "image")}


def test_the_rate_rises_and_falls() -> None:
    rates = [one_cycle(done, 16) for done in range(16)]
    assert rates[0] < rates[1] < rates[2]
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] < 0.05


@pytest.mark.parametrize("neurons", ["lif", "none"])
@pytest.mark.parametrize("place", range(len(LEARNING)))
def test_a_step_of_each_stage_moves_its_own_part(place: int, neurons: str) -> None:
    training = emoji_training(replace(TINY, neurons=neurons), seed=0, epochs=1)
    stage = training.stages[place]
    before = {name: [p.clone() for p in part.parameters()] for name, part in training.parts.items()}
    rng = np.random.default_rng(0)
    batch = stage.batches(rng)[0][:6]
    for part in training.parts.values():
        part.train()
    torch.stack(list(stage.losses(batch).values())).sum().backward()
    stage.optimiser.step()
    moved = {
        name
        for name, part in training.parts.items()
        if any(not torch.equal(p, old) for p, old in zip(part.parameters(), before[name], strict=True))
    }
    assert stage.name == list(LEARNING)[place]
    assert moved == {LEARNING[stage.name]}
    assert stage.epochs == 1
    assert (stage.eta is not None) == (stage.name == "settle"), "which keeps the mean of the weights"


def test_what_is_saved_loads(tmp_path: Path) -> None:
    training = emoji_training(TINY, seed=3)
    training.save(tmp_path / "w.pt")
    parts = initial_parts(TINY, seed=4)
    checkpoints.load(parts, tmp_path / "w.pt")
    for name, part in parts.items():
        saved = training.parts[name].state_dict()
        assert all(torch.equal(value, saved[key]) for key, value in part.state_dict().items())


@pytest.mark.parametrize("change", [{"vocabulary": 100}, {"vocabulary": 49408}, {"words": 10}, {"pixels": 64}])
def test_sizes_that_do_not_fit_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="32 x 32 pixels, texts of 20 words, 3072 rows of the word embedding"):
        emoji_training(replace(TINY, **change), seed=0)


class _Clip(torch.nn.Module):
    """Mean colours of images, lengths of texts, as eight features each."""

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3)).repeat(1, 3)[:, :8]

    def encode_text(self, lengths: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(lengths.float().unsqueeze(1), (0, 7), value=1.0)


def test_a_clip_at_hand_takes_the_place_of_the_small_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    library, read = ModuleType("open_clip"), list[str]()
    library.create_model = lambda name, pretrained: _Clip()  # pyright: ignore
    library.get_tokenizer = lambda name: lambda texts: read.extend(texts) or torch.tensor([*map(len, texts)])  # pyright: ignore
    monkeypatch.setitem(sys.modules, "open_clip", library)
    config = replace(TINY, teacher="open_clip:ViT-B-16:openai")
    training = emoji_training(config, seed=0, epochs=1)
    assert read == spelled(captions("dev")[:1].numpy())
    assert [stage.name for stage in training.stages] == ["text", "align", "first", "tune", "settle"]
    assert set(training.parts) == {"image", "text"}
    rng = np.random.default_rng(0)
    for stage in training.stages:
        assert all(loss.isfinite() for loss in stage.losses(stage.batches(rng)[0][:6]).values())
    with pytest.raises(ValueError, match="has 8 features, the network E = 16: --set E=8"):
        emoji_training(replace(config, E=16), seed=0)


def test_fine_tuning_is_taught_by_the_floats(tmp_path: Path) -> None:
    """Its losses are those that a network with these weights has no KL in; texts and images learn after each other."""
    weights = tmp_path / "w.pt"
    emoji_training(TINY, seed=3).save(weights)
    training = emoji_fine_tuning(TINY, seed=0, weights=weights)
    assert training.parts.keys() == {"image", "text"}
    assert [stage.name for stage in training.stages] == ["text", "settle"]
    for part in training.parts.values():
        part.eval()
    for stage in training.stages:
        with torch.no_grad():
            assert stage.select in stage.dev()
        before = {name: [p.clone() for p in part.parameters()] for name, part in training.parts.items()}
        losses = stage.losses(stage.batches(np.random.default_rng(0))[0][:6])
        if stage.name == "text":
            assert float(losses["text"].detach()) == pytest.approx(0.0, abs=1e-5)
        torch.stack([*losses.values()]).sum().backward()
        stage.optimiser.step()
        parts = training.parts.items()
        moved = [name for name, part in parts if not all(map(torch.equal, part.parameters(), before[name]))]
        assert moved == [LEARNING[stage.name]]
    words = training.parts["text"].get_submodule("clip_embedding")
    assert not any(each.requires_grad for each in words.parameters()), "the host's floats, which no grid rounds"
    with pytest.raises(ValueError, match="32 x 32 pixels"):
        emoji_fine_tuning(replace(TINY, pixels=64), seed=0, weights=weights)


@pytest.mark.slow
def test_a_short_run_measures_everything() -> None:
    training = emoji_training(TINY, seed=0, epochs=1)
    for stage in training.stages:
        with torch.no_grad():
            assert stage.select in stage.dev()
    for part in training.parts.values():
        part.eval()
    test = training.test()
    assert {"groups", "R@Sum", "teacher i2t R@1", "teacher unseen groups"} <= test.keys()
    images, teacher = torch.from_numpy(load_split("dev").pixels()), training.parts["teacher"]
    assert isinstance(teacher, SmallTeacher)
    with torch.no_grad():
        cosines = torch.cosine_similarity(training.parts["image"](images), teacher.image_features(images))
    assert test["cosine"] == pytest.approx(float(cosines.mean()), abs=1e-4)
