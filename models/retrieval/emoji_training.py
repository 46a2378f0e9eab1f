"""
Training of SpikeCLIP on emoji, in six stages.

    teacher   a small teacher, contrastively, on the same images and texts; not where the teacher is a CLIP at hand
    text      the text encoder follows the teacher's features of texts, 1 - cosine
    align     the image encoder follows the teacher's features of images, 1 - cosine
    first     fine-tuning with the text encoder frozen: CE and KL to the teacher's scores, of the images' captions among those of
              all concepts, and of the eight groups by their names
    tune      the same with all steps
    settle    the same once more, from half the rate; the mean of the weights is kept

Ours: `align` and `first` have one step of rates (`models.training.rate_lif`); norms begin where neurons fire
(`models.layers.firing`), as those of the published initialisation are all but silent; cosines are multiplied by the teacher's
scale, without which the softmax of 1,100 of them is nearly flat. The data is emoji in two styles, moved and coloured at random.
Every stage keeps the epoch that is best on drawings held out (`models.retrieval.emoji_drawings`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

import numpy as np
import torch
from torch import nn

from models.data.baselines.emoji_styles import altered as altered_images
from models.data.emoji_styles import SIDE, load_split
from models.data.emoji_words import WORDS_PER_TEXT, spelled
from models.layers.firing import set_firing_rates
from models.networks.spikeclip import checkpoints
from models.networks.spikeclip.config import SMALL_TEACHER, SpikeClipConfig
from models.networks.spikeclip.losses import alignment_loss, contrastive_loss, dual_loss
from models.networks.spikeclip.parts import initial_parts
from models.networks.spikeclip.pretrained_clip import pretrained_teacher
from models.networks.spikeclip.teacher import SmallTeacher, Teacher
from models.networks.spikeclip.zero_shot import class_scores
from models.retrieval.emoji_classes import GROUP_WEIGHT, EmojiClasses, Losses, test_metrics
from models.retrieval.emoji_drawings import Encode, dev_metrics, image_batches
from models.retrieval.emoji_metrics import labels_of
from models.retrieval.emoji_texts import altered, captions, class_texts, text_batches
from models.training.fused_lif import use_fused_lif
from models.training.model_page import seeded
from models.training.rate_lif import one_step_of_rates
from models.training.stage import Training, TrainingStage, of_length

Batches = Callable[..., Sequence[torch.Tensor]]
"""Of a generator and a size."""
Dev = Callable[[], Mapping[str, float]]
VOCABULARY = 3072
"""Rows of the word embedding: one for each word, and a few to spare."""
EPOCHS = {"teacher": 150, "text": 120, "align": 8, "first": 30, "tune": 14, "settle": 10}
RATES = {"teacher": 4e-3, "text": 4e-3, "align": 4e-3, "first": 3e-3, "tune": 2e-3, "settle": 1e-3}
BATCHES = {"teacher": 190, "text": 100, "align": 50, "first": 25, "tune": 25, "settle": 25}
START_RATE = 0.25
"""Spikes per neuron and step that the norms begin with."""
SETTLE_ETA = 8.0
"""What `settle` keeps is the mean of the weights over its last ninth (`TrainingStage.eta`)."""


def emoji_training(config: SpikeClipConfig, seed: int, epochs: int | None = None) -> Training:
    """
    The stages, from the published initialisation.

    Raises:
        ValueError: for sizes that do not fit the emoji, or a teacher that is not at hand.
    """
    network = _initial_network(config, seed)
    teacher = _teacher(config, seed)
    inputs = {"image": {"images": torch.from_numpy(load_split("dev").pixels())}, "text": {"tokens": captions("dev")}}
    for name, part in network.items() if config.neurons == "lif" else ():
        set_firing_rates(part, inputs[name], START_RATE)
        use_fused_lif(part)
    course = _Course(network["image"], network["text"], teacher, (config.ce, config.alpha))
    learning = {"teacher": teacher} if isinstance(teacher, nn.Module) else {}
    names = [name for name in EPOCHS if learning or name != "teacher"]
    lengths = of_length({name: EPOCHS[name] for name in names}, epochs)
    parts = {**network, **learning}
    steps = course.steps()
    stages = tuple(_stage(name, parts[steps[name][0]], length, *steps[name][1:]) for name, length in lengths.items())
    settings = {
        "epochs": lengths,
        "learning_rates": RATES,
        "batches": BATCHES,
        "start_rate": START_RATE,
        "group_weight": GROUP_WEIGHT,
        "settle_eta": SETTLE_ETA,
    }
    return Training(parts, stages, course.test, partial(checkpoints.save, network), settings)


def emoji_fine_tuning(config: SpikeClipConfig, seed: int, epochs: int | None = None) -> Training:
    """
    The last stage for weights of few bits, whose teacher are the floats: the CE alone.

    Raises:
        ValueError: for sizes that do not fit the emoji.
    """
    network = _initial_network(config, seed)
    for part in network.values() if config.neurons == "lif" else ():
        use_fused_lif(part)
    course = EmojiClasses(network["image"], network["text"])
    length = epochs or EPOCHS["settle"]
    stage = _stage("settle", network["image"], length, course.batches, course.losses, course.tune_dev, "mean")
    return Training(network, (stage,), course.test, partial(checkpoints.save, network))


def _initial_network(config: SpikeClipConfig, seed: int) -> dict[str, nn.Module]:
    """Both encoders before any training."""
    if (config.pixels, config.words, config.vocabulary) != (SIDE, WORDS_PER_TEXT, VOCABULARY):
        raise ValueError(
            f"the sizes do not fit the emoji, the only training data here: {SIDE} x {SIDE} pixels, texts of {WORDS_PER_TEXT} "
            f"words, {VOCABULARY} rows of the word embedding"
        )
    return initial_parts(config, seed)


def _teacher(config: SpikeClipConfig, seed: int) -> Teacher:
    """A small one before its training, or a pretrained CLIP; ValueError where there is no such, or its features do not fit."""
    if config.teacher == SMALL_TEACHER:
        return seeded(lambda: SmallTeacher(config.E, config.vocabulary), seed)
    clip = pretrained_teacher(config.teacher, lambda tokens: spelled(tokens.numpy()))
    length = clip.token_features(captions("dev")[:1]).shape[1]
    if length != config.E:
        raise ValueError(
            f"teacher {config.teacher} has {length} features, the network E = {config.E}: --set E={length}"
        )
    return clip


def _stage(
    name: str, part: nn.Module, epochs: int, batches: Batches, losses: Losses, dev: Dev, select: str
) -> TrainingStage:
    return TrainingStage(
        name,
        epochs,
        partial(batches, size=BATCHES[name]),
        losses,
        dev,
        select,
        torch.optim.AdamW(part.parameters(), lr=RATES[name], weight_decay=0.02),
        partial(one_cycle, epochs=epochs),
        patience=epochs,
        eta=SETTLE_ETA if name == "settle" else None,
    )


def one_cycle(done: int, epochs: int) -> float:
    """Factor of the learning rate: up over the first eighth of the epochs, down as a cosine."""
    rise = (done + 1) / (epochs / 8 + 1)
    return min(1.0, rise) * (0.51 + 0.49 * np.cos(np.pi * done / epochs))


class _Course(EmojiClasses):
    """The modules with their teacher, and what each stage asks of them."""

    def __init__(self, image: nn.Module, text: nn.Module, teacher: Teacher, shares: tuple[float, float]) -> None:
        super().__init__(image, text)
        self.teacher, self.shares = teacher, shares

    def steps(self) -> dict[str, tuple[str, Batches, Losses, Dev, str]]:
        """Stage -> the part that learns, its batches and losses, and the metrics of dev with the one that decides."""
        tune = ("image", self.batches, self.tune_losses, self.tune_dev, "mean")
        return {
            "teacher": ("teacher", image_batches, self.teacher_losses, self.teacher_dev, "mean"),
            "text": ("text", text_batches, self.text_losses, self.text_dev, "cosine"),
            "align": ("image", image_batches, self.align_losses, self.align_dev, "cosine"),
            "first": ("image", self.batches, self.first_losses, self.first_dev, "mean"),
            "tune": tune,
            "settle": tune,
        }

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

    def test(self) -> dict[str, float]:
        """The task's metrics and accuracies by names alone, of the network and of the teacher; `cosine` of the two on `dev`."""
        teachers = test_metrics(self.teacher.image_features, self.teacher.token_features)
        taught = {f"teacher {name}": value for name, value in teachers.items()}
        with torch.no_grad():
            return {**super().test(), **taught, "cosine": round(self._cosine(), 4)}
