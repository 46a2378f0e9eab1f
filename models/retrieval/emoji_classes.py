"""What SpikeCLIP's image encoder is tuned to: an image's caption among those of all concepts, and its group among the eight."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from models.data.baselines.emoji_styles import altered as altered_images
from models.data.emoji_styles import load_split
from models.networks.spikeclip.zero_shot import class_scores, label_matrix
from models.retrieval.emoji_drawings import Encode, dev_metrics, image_batches, in_portions
from models.retrieval.emoji_labels import label_set_accuracies
from models.retrieval.emoji_task import EmojiTask
from models.retrieval.emoji_texts import captions, class_texts

Losses = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
GROUP_WEIGHT = 0.5
"""Of the groups' losses, beside those of the captions."""
SCALE = 27.0
"""What cosines are multiplied by where there is no teacher: that of the small one, when it has learned (27.4 of seed 0)."""


class EmojiClasses:
    """The encoders, images in two styles, moved and coloured at random, and the classes that they are of."""

    def __init__(self, image: nn.Module, text: nn.Module) -> None:
        self.image, self.text = image, text
        data = load_split("train")
        self.pixels, self.groups = torch.from_numpy(data.pixels()), torch.from_numpy(data.groups)
        self.texts = {"captions": captions("train").unsqueeze(1), "groups": class_texts("groups")}
        """Of all classes, (classes, templates, words)."""
        self.labels: dict[str, torch.Tensor] = {}
        """What classes are found by, (E, classes), by the text encoder."""

    def batches(self, rng: np.random.Generator, size: int) -> list[torch.Tensor]:
        """Rows of images, shuffled; `labels` are those of the text encoder as it is now."""
        self.text.eval()
        self.labels = {name: label_matrix(self.text, texts) for name, texts in self.texts.items()}
        return image_batches(rng, size)

    def classes(self, rows: torch.Tensor) -> dict[str, tuple[torch.Tensor, float]]:
        """Those of some images, and the weight of their loss."""
        return {"captions": (rows % len(self.texts["captions"]), 1.0), "groups": (self.groups[rows], GROUP_WEIGHT)}

    def losses(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """CE of captions and of groups."""
        features = self.image(altered_images(self.pixels[rows]))
        return {
            name: weight * nn.functional.cross_entropy(SCALE * class_scores(features, self.labels[name]), classes)
            for name, (classes, weight) in self.classes(rows).items()
        }

    def tune_dev(self) -> dict[str, float]:
        """Of the spiking encoders."""
        return dev_metrics(self.image, self.text)

    def test(self) -> dict[str, float]:
        """The task's metrics and accuracies by names alone."""
        return test_metrics(self.image, self.text)


@torch.no_grad()
def test_metrics(see: Encode, read: Encode) -> dict[str, float]:
    """The task's metrics and accuracies by names alone, of features of images and of texts."""
    task = EmojiTask()
    inputs = {part: torch.from_numpy(next(iter(task.inputs(part).values()))) for part in task.parts}
    features = {"image": in_portions(see, inputs["image"]), "text": in_portions(read, inputs["text"])}
    metrics = task.metrics({part: {"": value.numpy()} for part, value in features.items()})
    return {name: round(value, 2) for name, value in (metrics | label_set_accuracies(see, read)).items()}
