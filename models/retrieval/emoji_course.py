"""What SpikeCLIP's encoders learn from images and texts of emoji, and from a teacher; each stage of a training asks one thing."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import nn

from models.data.baselines.emoji_styles import altered as altered_images
from models.data.emoji_styles import load_split
from models.networks.spikeclip.losses import alignment_loss, contrastive_loss, dual_loss
from models.networks.spikeclip.teacher import Teacher
from models.networks.spikeclip.zero_shot import class_scores, label_matrix
from models.retrieval.emoji_drawings import Encode, dev_metrics, image_batches, in_portions
from models.retrieval.emoji_labels import label_set_accuracies
from models.retrieval.emoji_metrics import labels_of
from models.retrieval.emoji_task import EmojiTask
from models.retrieval.emoji_texts import altered, captions, class_texts
from models.training.rate_lif import one_step_of_rates

GROUP_WEIGHT = 0.5
"""Of the groups' losses, beside those of the captions."""


class EmojiCourse:
    """
    Both encoders and their teacher: images in two styles, moved and coloured at random, and what each stage asks of them.

    Args:
        image: encoder of images. text: encoder of texts.
        teacher: what they follow.
        shares: of the CE and the KL in the dual losses.
    """

    def __init__(self, image: nn.Module, text: nn.Module, teacher: Teacher, shares: tuple[float, float]) -> None:
        self.image, self.text, self.teacher, self.shares = image, text, teacher, shares
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

    def teacher_losses(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Pairs of an image and words of its caption, and an image's group among the groups' names in one template."""
        texts = altered(captions("train")[rows % len(self.texts["captions"])])
        images = self.teacher.image_features(altered_images(self.pixels[rows]))
        words = self.teacher.token_features(texts)
        template = int(torch.randint(class_texts("groups").shape[1], ()))
        groups = nn.functional.normalize(self.teacher.token_features(class_texts("groups")[:, template]))
        scores = self.teacher.scale() * class_scores(images, groups.T)
        return {
            "pairs": contrastive_loss(images, words, self.teacher.scale()),
            "groups": GROUP_WEIGHT * nn.functional.cross_entropy(scores, self.groups[rows]),
        }

    def text_losses(self, texts: torch.Tensor) -> dict[str, torch.Tensor]:
        """The text encoder follows the teacher."""
        return {"text": alignment_loss(self.text(texts), self._taught(self.teacher.token_features, texts))}

    def align_losses(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """The image encoder follows the teacher, with one step of rates."""
        images = altered_images(self.pixels[rows])
        with one_step_of_rates(self.image):
            return {"image": alignment_loss(self.image(images), self._taught(self.teacher.image_features, images))}

    def first_losses(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Dual losses, with one step of rates."""
        with one_step_of_rates(self.image):
            return self.tune_losses(rows)

    def tune_losses(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Dual losses of captions and of groups."""
        images = altered_images(self.pixels[rows])
        features, taught = self.image(images), self._taught(self.teacher.image_features, images)
        scale = self.teacher.scale().detach()
        losses = dict[str, torch.Tensor]()
        for name, (classes, weight) in self.classes(rows).items():
            scores = scale * class_scores(features, self.labels[name])
            teacher_scores = scale * class_scores(taught, self.teacher_labels[name])
            losses[name] = weight * dual_loss(scores, teacher_scores, classes, self.shares)
        return losses

    @cached_property
    def teacher_labels(self) -> dict[str, torch.Tensor]:
        """`labels` by the teacher; asked when it has learned."""
        return {name: self._teacher_labels(texts) for name, texts in self.texts.items()}

    @torch.no_grad()
    def _taught(self, encode: Encode, inputs: torch.Tensor) -> torch.Tensor:
        if isinstance(self.teacher, nn.Module):
            self.teacher.eval()
        return encode(inputs)

    def _teacher_labels(self, texts: torch.Tensor) -> torch.Tensor:
        return labels_of(self._taught(self.teacher.token_features, texts.flatten(0, 1)), len(texts))

    def teacher_dev(self) -> dict[str, float]:
        """Of the teacher."""
        return dev_metrics(self.teacher.image_features, self.teacher.token_features)

    def first_dev(self) -> dict[str, float]:
        """Of the spiking encoders, with one step of rates."""
        with one_step_of_rates(self.image):
            return self.tune_dev()

    def text_dev(self) -> dict[str, float]:
        """Cosine to the teacher on captions that no training has seen, and on those of the training."""
        cosines = {
            name: 1.0 - float(alignment_loss(self.text(captions(split)), self.teacher.token_features(captions(split))))
            for name, split in (("unseen", "dev"), ("seen", "train"))
        }
        return {**cosines, "cosine": (cosines["unseen"] + cosines["seen"]) / 2}

    def align_dev(self) -> dict[str, float]:
        """Cosine to the teacher on images that no training has seen."""
        with one_step_of_rates(self.image):
            return {"cosine": self._cosine()}

    def _cosine(self) -> float:
        images = torch.from_numpy(load_split("dev").pixels())
        return 1.0 - float(alignment_loss(self.image(images), self.teacher.image_features(images)))

    def tune_dev(self) -> dict[str, float]:
        """Of the spiking encoders."""
        return dev_metrics(self.image, self.text)

    def close_dev(self) -> dict[str, float]:
        """Of the spiking encoders, with the cosine to the teacher."""
        return {**self.tune_dev(), "cosine": self._cosine()}

    def test(self) -> dict[str, float]:
        """The task's metrics and accuracies by names alone, of the network and of the teacher; `cosine` of the two on `dev`."""
        teachers = test_metrics(self.teacher.image_features, self.teacher.token_features)
        taught = {f"teacher {name}": value for name, value in teachers.items()}
        with torch.no_grad():
            return {**test_metrics(self.image, self.text), **taught, "cosine": round(self._cosine(), 4)}


@torch.no_grad()
def test_metrics(see: Encode, read: Encode) -> dict[str, float]:
    """The task's metrics and accuracies by names alone, of features of images and of texts."""
    task = EmojiTask()
    inputs = {part: torch.from_numpy(next(iter(task.inputs(part).values()))) for part in task.parts}
    features = {"image": in_portions(see, inputs["image"]), "text": in_portions(read, inputs["text"])}
    metrics = task.metrics({part: {"": value.numpy()} for part, value in features.items()})
    return {name: round(value, 2) for name, value in (metrics | label_set_accuracies(see, read)).items()}
