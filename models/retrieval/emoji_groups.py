"""
Classification of emoji into their 8 groups: the task, and the training of any network from images to scores.

Norms begin where neurons fire (`models.layers.firing`). A first stage has one step of rates (`models.training.rate_lif`), a
second one all steps. The epoch that is kept is the best on drawings held out (`models.retrieval.emoji_drawings`) and on `dev`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.data.baselines.emoji_styles import altered
from models.data.emoji_styles import group_names, load_split
from models.layers.firing import set_firing_rates
from models.retrieval.emoji_drawings import held_out, image_batches, in_portions
from models.retrieval.emoji_metrics import accuracy
from models.retrieval.emoji_task import SPLITS, drawing_example
from models.retrieval.emoji_training import START_RATE, one_cycle
from models.training.fused_lif import use_fused_lif
from models.training.rate_lif import one_step_of_rates
from models.training.stage import Training, TrainingStage, of_length
from models.training.task_examples import ShownExample, best_names, shown

EPOCHS = {"first": 24, "tune": 8}
RATES = {"first": 3e-3, "tune": 2e-3}
BATCH = 25
LABEL_SMOOTHING = 0.1


class EmojiGroupsTask:
    """Groups of all images of `test-style`, and of `test-concepts` (`unseen`)."""

    parts: ClassVar[tuple[str, ...]] = ("network",)
    metric_names: ClassVar[tuple[str, ...]] = ("unseen accuracy", "accuracy")
    """In percent."""

    def inputs(self, part: str) -> dict[str, NDArray[np.float32]]:
        """
        All images, (1260, 3, 32, 32).

        Raises:
            ValueError: for an unknown part.
        """
        if part not in self.parts:
            raise ValueError(f"no part {part!r}; there is network")
        return {"images": np.concatenate([load_split(split).pixels() for split in SPLITS])}

    def metrics(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, float]:
        """Percentages from `{"network": {output: scores (1260, 8)}}`."""
        (scores,) = outputs["network"].values()
        split = len(load_split(SPLITS[0]).groups)
        return {
            "unseen accuracy": _accuracy(torch.tensor(scores[split:]), SPLITS[1]),
            "accuracy": _accuracy(torch.tensor(scores[:split]), SPLITS[0]),
        }

    def examples(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> list[ShownExample]:
        """Drawings at equal distances with the groups that they most likely belong to."""
        (scores,) = outputs["network"].values()
        names, groups = group_names(), np.concatenate([load_split(split).groups for split in SPLITS])
        return [
            drawing_example(index, best_names(scores[index], names), [names[groups[index]]])
            for index in shown(len(groups))
        ]


def groups_training(network: nn.Module, epochs: int | None = None) -> Training:
    """Both stages, of a network that is freshly made, with images (B, 3, 32, 32) to scores (B, 8) and the attribute `steps`."""
    set_firing_rates(network, {"images": torch.from_numpy(load_split("dev").pixels())}, START_RATE)
    use_fused_lif(network)
    lengths = of_length(EPOCHS, epochs)
    stages = tuple(_stage(network, name, length) for name, length in lengths.items())
    settings = {
        "epochs": lengths,
        "learning_rates": RATES,
        "batch": BATCH,
        "label_smoothing": LABEL_SMOOTHING,
        "start_rate": START_RATE,
    }

    def save(path: Path) -> None:
        torch.save(network.state_dict(), path)

    return Training({"network": network}, stages, partial(_test, network), save, settings)


def _stage(network: nn.Module, name: str, epochs: int) -> TrainingStage:
    losses, dev = (_first_losses, _first_dev) if name == "first" else (_losses, _dev)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATES[name], weight_decay=0.02)
    rate = partial(one_cycle, epochs=epochs)
    return TrainingStage(
        name,
        epochs,
        partial(image_batches, size=BATCH),
        partial(losses, network),
        partial(dev, network),
        "mean",
        optimiser,
        rate,
        epochs,
    )


def _losses(network: nn.Module, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    data = load_split("train")
    images = torch.from_numpy(data.images[rows.numpy()]).permute(0, 3, 1, 2) / 255.0
    classes = torch.from_numpy(data.groups)[rows]
    return {"groups": nn.functional.cross_entropy(network(altered(images)), classes, label_smoothing=LABEL_SMOOTHING)}


def _first_losses(network: nn.Module, rows: torch.Tensor) -> dict[str, torch.Tensor]:
    with one_step_of_rates(network):
        return _losses(network, rows)


def _dev(network: nn.Module) -> dict[str, float]:
    train, rows = load_split("train"), held_out()
    kept = accuracy(in_portions(network, torch.from_numpy(train.pixels()[rows])), torch.from_numpy(train.groups[rows]))
    unseen = _accuracy(in_portions(network, torch.from_numpy(load_split("dev").pixels())), "dev")
    return {"accuracy": kept, "unseen accuracy": unseen, "mean": (kept + unseen) / 2}


def _first_dev(network: nn.Module) -> dict[str, float]:
    with one_step_of_rates(network):
        return _dev(network)


def _test(network: nn.Module) -> dict[str, float]:
    task = EmojiGroupsTask()
    scores = in_portions(network, torch.from_numpy(task.inputs("network")["images"]))
    return task.metrics({"network": {"scores": scores.numpy()}})


def _accuracy(scores: torch.Tensor, split: str) -> float:
    return accuracy(scores, torch.from_numpy(load_split(split).groups))
