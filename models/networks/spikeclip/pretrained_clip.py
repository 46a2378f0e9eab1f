"""A CLIP of open_clip or transformers as teacher, where the library and its weights are at hand; nothing else needs them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F

CLIP_PIXELS = 224
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Statistics of the images that CLIP was trained on, by channel."""


CLIP_SCALE = 100.0
"""What CLIP multiplies cosines by: the bound that its training reached."""
Spell = Callable[[torch.Tensor], Sequence[str]]
"""Token ids (B, words) of the student's vocabulary -> texts."""
EncodeTexts = Callable[[Sequence[str]], torch.Tensor]


class PretrainedClip:
    """A CLIP of a library: images are resized and normalised as CLIP was trained, nothing carries a gradient."""

    def __init__(
        self, encode_images: Callable[[torch.Tensor], torch.Tensor], encode_texts: EncodeTexts, spell: Spell
    ) -> None:
        self._encode_images, self._encode_texts, self._spell = encode_images, encode_texts, spell

    @torch.no_grad()
    def image_features(self, images: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, E)."""
        size = (CLIP_PIXELS, CLIP_PIXELS)
        large = cast(torch.Tensor, F.interpolate(images, size=size, mode="bicubic", antialias=True))
        mean, deviation = (torch.tensor(each).reshape(3, 1, 1) for each in (CLIP_MEAN, CLIP_DEVIATION))
        return self._encode_images((large.clamp(0.0, 1.0) - mean) / deviation)

    @torch.no_grad()
    def token_features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Token ids (B, words) of the student's vocabulary -> (B, E), of the texts that they spell."""
        return self._encode_texts(self._spell(tokens))

    def scale(self) -> torch.Tensor:
        """What cosines are multiplied by for the scores of classes."""
        return torch.tensor(CLIP_SCALE)


def pretrained_teacher(name: str, spell: Spell) -> PretrainedClip:
    """
    The teacher `open_clip:MODEL:WEIGHTS` or `transformers:MODEL`.

    Raises:
        ValueError: for another name, or where the library is not installed, or does not have it.
    """
    library, _, rest = name.partition(":")
    model, _, weights = rest.partition(":")
    if library == "open_clip" and model and weights:
        return _open_clip_teacher(model, weights, spell)
    if library == "transformers" and rest:
        return _transformers_teacher(rest, spell)
    raise ValueError(f"teacher {name!r} is not small, open_clip:MODEL:WEIGHTS or transformers:MODEL")


def _open_clip_teacher(name: str, weights: str, spell: Spell) -> PretrainedClip:
    """One of open_clip's models, e.g. `ViT-B-16` with the weights `openai` or those of a file."""
    try:
        library = importlib.import_module("open_clip")
        model = library.create_model(name, pretrained=weights).eval()
        tokenise = library.get_tokenizer(name)
    except Exception as error:  # the library raises whatever it likes
        raise ValueError(f"open_clip gives no {name} with weights {weights}: {error}") from error
    return PretrainedClip(model.encode_image, lambda texts: model.encode_text(tokenise(list(texts))), spell)


def _transformers_teacher(name: str, spell: Spell) -> PretrainedClip:
    """One of transformers' CLIP models by its name or folder, e.g. `openai/clip-vit-base-patch16`."""
    try:
        library = importlib.import_module("transformers")
        model = library.CLIPModel.from_pretrained(name).eval()
        tokenise = library.CLIPTokenizerFast.from_pretrained(name)
    except Exception as error:  # the library raises whatever it likes
        raise ValueError(f"transformers gives no CLIP {name}: {error}") from error

    def encode_texts(texts: Sequence[str]) -> torch.Tensor:
        tokens = tokenise(list(texts), padding=True, truncation=True, return_tensors="pt")
        return _pooled(model.get_text_features(**tokens))

    return PretrainedClip(lambda images: _pooled(model.get_image_features(images)), encode_texts, spell)


def _pooled(features: Any) -> torch.Tensor:
    """The tensor that transformers before version 5 returned as it is."""
    return getattr(features, "pooler_output", features)
