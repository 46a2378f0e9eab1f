"""Accuracies by names, of encoders whose right answers are known."""

from __future__ import annotations

import pytest
import torch

from models.data.emoji_styles import load_split
from models.retrieval.emoji_labels import LABEL_SETS, label_set_accuracies
from models.retrieval.emoji_texts import class_texts


@pytest.mark.parametrize("known", ["seen", "unseen"])
def test_who_knows_the_names_of_some_concepts_finds_these(known: str) -> None:
    """An image is its own name's words; of images that are not known, nothing."""
    split = {"seen": "test-style", "unseen": "test-concepts"}[known]
    directions = torch.randn(3072, 64, generator=torch.Generator().manual_seed(0))
    directions[0] = 0.0
    names = {
        tuple(pixels.flatten()[::37].tolist()): texts[0]
        for pixels, texts in zip(load_split(split).pixels(), class_texts(known), strict=True)
    }

    def read(tokens: torch.Tensor) -> torch.Tensor:
        return directions[tokens].sum(dim=1)

    def see(images: torch.Tensor) -> torch.Tensor:
        tokens = [names.get(tuple(image.flatten()[::37].tolist())) for image in images]
        return torch.stack([torch.ones(64) if each is None else read(each.unsqueeze(0))[0] for each in tokens])

    accuracies = label_set_accuracies(see, read)
    other = {"seen": "test-concepts", "unseen": "test-style"}[known]
    different = {tuple(sorted(texts[0].tolist())) for texts in class_texts(known)}  # words that are unknown look alike
    assert accuracies[f"{split} {known}"] == pytest.approx(100.0 * len(different) / len(names), abs=1.0)
    assert accuracies[f"{other} expanded"] < 5.0
    assert accuracies.keys() == {f"{each} {name}" for each, sets in LABEL_SETS.items() for name in sets}
