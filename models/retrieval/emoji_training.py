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
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.data.emoji_styles import SIDE, load_split
from models.data.emoji_words import WORDS_PER_TEXT, spelled
from models.layers.firing import set_firing_rates
from models.networks.spikeclip import checkpoints
from models.networks.spikeclip.config import SMALL_TEACHER, SpikeClipConfig
from models.networks.spikeclip.parts import initial_parts
from models.networks.spikeclip.pretrained_clip import pretrained_teacher
from models.networks.spikeclip.teacher import FloatsTeacher, SmallTeacher, Teacher
from models.retrieval.emoji_course import GROUP_WEIGHT, EmojiCourse
from models.retrieval.emoji_drawings import image_batches
from models.retrieval.emoji_texts import captions, text_batches
from models.training.fused_lif import use_fused_lif
from models.training.model_page import seeded
from models.training.stage import FewBits, Training, TrainingStage, of_length

Batches = Callable[..., Sequence[torch.Tensor]]
"""Of a generator and a size."""
Losses = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
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
FINE_STRIDE = 0.012
"""`FewBits.stride` of the images: three times the usual one, as the mean of the weights does not waver with the last of them."""
TEXT_PASSES = 4
"""Passes over all texts in an epoch of few bits: a pass takes a second, one over the images a minute."""
FLOATS_SCALE = 27.0
"""What cosines are multiplied by where the teacher are the floats: as by the small one that taught them (27.4 of seed 0)."""


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
    course = EmojiCourse(network["image"], network["text"], teacher, (config.ce, config.alpha))
    learning = {"teacher": teacher} if isinstance(teacher, nn.Module) else {}
    names = [name for name in EPOCHS if learning or name != "teacher"]
    lengths = of_length({name: EPOCHS[name] for name in names}, epochs)
    parts = {**network, **learning}
    asked = _asked(course)
    stages = tuple(_stage(name, parts[asked[name][0]], length, *asked[name][1:]) for name, length in lengths.items())
    settings = {
        "epochs": lengths,
        "learning_rates": RATES,
        "batches": BATCHES,
        "start_rate": START_RATE,
        "group_weight": GROUP_WEIGHT,
        "settle_eta": SETTLE_ETA,
    }
    return Training(parts, stages, course.test, partial(checkpoints.save, network), settings)


def emoji_fine_tuning(config: SpikeClipConfig, seed: int, weights: Path) -> Training:
    """
    Two stages for few bits, whose teacher are the floats in `weights`: `text`, and `settle` of the images.

    Dev decides by the cosine to the floats, which tells epochs apart that R@1 of a hundred drawings does not.
    Word embeddings, which the host has in floats, stay as they are: while they drift, the neurons behind them do not settle.

    Raises:
        ValueError: for sizes that do not fit the emoji, or weights that do not fit the network.
        FileNotFoundError: if there are no such weights.
    """
    network = _initial_network(config, seed)
    for part in network.values() if config.neurons == "lif" else ():
        use_fused_lif(part)
    checkpoints.load(network, weights)
    network["text"].get_submodule("clip_embedding").requires_grad_(False)
    teacher = FloatsTeacher(network["image"], network["text"], FLOATS_SCALE)
    course = EmojiCourse(network["image"], network["text"], teacher, (config.ce, config.alpha))
    asked = _asked(course)
    asked["text"] = ("text", _several_passes, partial(_scaled, course.text_losses), *asked["text"][3:])
    asked["settle"] = (*asked["settle"][:3], course.close_dev, "cosine")
    text, settle = (
        _stage(name, network[asked[name][0]], EPOCHS[name], *asked[name][1:]) for name in ("text", "settle")
    )
    stages = (text, replace(settle, few_bits=FewBits(FINE_STRIDE, SETTLE_ETA)))
    return Training(network, stages, course.test, partial(checkpoints.save, network))


def _asked(course: EmojiCourse) -> dict[str, tuple[str, Batches, Losses, Dev, str]]:
    """Stage -> the part that learns, its batches and losses, and the metrics of dev with the one that decides."""
    tune = ("image", course.batches, course.tune_losses, course.tune_dev, "mean")
    return {
        "teacher": ("teacher", image_batches, course.teacher_losses, course.teacher_dev, "mean"),
        "text": ("text", text_batches, course.text_losses, course.text_dev, "cosine"),
        "align": ("image", image_batches, course.align_losses, course.align_dev, "cosine"),
        "first": ("image", course.batches, course.first_losses, course.first_dev, "mean"),
        "tune": tune,
        "settle": tune,
    }


def _scaled(losses: Losses, batch: torch.Tensor) -> dict[str, torch.Tensor]:
    """Cosines count what they count in scores, beside the distillation."""
    return {name: FLOATS_SCALE * loss for name, loss in losses(batch).items()}


def _several_passes(rng: np.random.Generator, size: int) -> list[torch.Tensor]:
    return [batch for _ in range(TEXT_PASSES) for batch in text_batches(rng, size)]


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
