"""Teachers of libraries, with stand-ins of their interfaces: neither library is installed with the tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from models.networks.spikeclip.pretrained_clip import (
    CLIP_DEVIATION,
    CLIP_MEAN,
    PretrainedClip,
    pretrained_teacher,
)


def _mean_colours(images: torch.Tensor) -> torch.Tensor:
    assert images.shape[1:] == (3, 224, 224)
    return images.mean((2, 3))


def _lengths(texts: Sequence[str]) -> torch.Tensor:
    return torch.tensor([[float(len(text))] for text in texts])


def _spell(tokens: torch.Tensor) -> list[str]:
    """As many letters as each row says."""
    return ["abc"[: int(row)] for row in tokens]


LETTERS = torch.tensor([2, 3])


def test_images_are_resized_and_normalised_by_channel() -> None:
    images = torch.tensor([0.2, 0.5, 0.9]).reshape(1, 3, 1, 1).expand(2, 3, 32, 32).clone().requires_grad_()
    features = PretrainedClip(_mean_colours, _lengths, _spell).image_features(images)
    expected = (np.array([0.2, 0.5, 0.9]) - CLIP_MEAN) / CLIP_DEVIATION
    np.testing.assert_allclose(features.numpy(), np.stack([expected] * 2), rtol=1e-5)
    assert not features.requires_grad


class _Model(torch.nn.Module):
    encode_image = staticmethod(_mean_colours)

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        return 2 * tokens


def test_open_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("open_clip")
    asked = list[Any]()
    library.create_model = lambda name, pretrained: asked.append((name, pretrained)) or _Model()  # pyright: ignore
    library.get_tokenizer = lambda name: _lengths  # pyright: ignore
    monkeypatch.setitem(sys.modules, "open_clip", library)
    teacher = pretrained_teacher("open_clip:ViT-B-16:openai", _spell)
    assert asked == [("ViT-B-16", "openai")]
    assert teacher.token_features(LETTERS).tolist() == [[4.0], [6.0]]
    assert teacher.image_features(torch.rand(2, 3, 8, 8)).shape == (2, 3)


@pytest.mark.parametrize("version", [4, 5])
def test_transformers(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until version 4 features are tensors; from 5 on they are an attribute."""

    class Model(torch.nn.Module):
        def get_image_features(self, pixel_values: torch.Tensor) -> Any:
            return self._wrapped(_mean_colours(pixel_values))

        def get_text_features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self._wrapped(input_ids * attention_mask)

        def _wrapped(self, features: torch.Tensor) -> Any:
            return features if version == 4 else SimpleNamespace(pooler_output=features)

    def tokenise(texts: list[str], padding: bool, truncation: bool, return_tensors: str) -> dict[str, torch.Tensor]:
        assert padding
        assert truncation
        assert return_tensors == "pt"
        return {"input_ids": _lengths(texts), "attention_mask": torch.ones(len(texts), 1)}

    library = ModuleType("transformers")
    library.CLIPModel = SimpleNamespace(from_pretrained=lambda name: Model())  # pyright: ignore
    library.CLIPTokenizerFast = SimpleNamespace(from_pretrained=lambda name: tokenise)  # pyright: ignore
    monkeypatch.setitem(sys.modules, "transformers", library)
    teacher = pretrained_teacher("transformers:some/clip", _spell)
    assert teacher.token_features(LETTERS).tolist() == [[2.0], [3.0]]
    assert teacher.image_features(torch.rand(2, 3, 8, 8)).shape == (2, 3)


def test_without_a_library_one_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("open_clip", "transformers"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ValueError, match="open_clip gives no ViT-B-16 with weights openai: import of open_clip"):
        pretrained_teacher("open_clip:ViT-B-16:openai", _spell)
    with pytest.raises(ValueError, match="transformers gives no CLIP some/clip: import of transformers"):
        pretrained_teacher("transformers:some/clip", _spell)


def test_what_a_library_does_not_have_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("open_clip")
    monkeypatch.setitem(sys.modules, "open_clip", library)
    with pytest.raises(ValueError, match="open_clip gives no ViT-Z with weights x: module 'open_clip' has no"):
        pretrained_teacher("open_clip:ViT-Z:x", _spell)


@pytest.mark.parametrize(
    "name", ["clip", "open_clip", "open_clip:ViT-B-16", "open_clip::x", "transformers", "transformers:"]
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not small, open_clip:MODEL:WEIGHTS or transformers:MODEL"):
        pretrained_teacher(name, _spell)


def test_scores_have_the_scale_of_clip() -> None:
    assert PretrainedClip(_mean_colours, _lengths, _spell).scale() == 100
