"""
The convolutional network of neurons that learn their membrane time constants (PLIF; Fang et al., ICCV 2021, arXiv 2007.05785).

Layers and neurons are SpikingJelly's own, as its users write them: stages of convolution, batch norm and neurons, each with a
maximum pool behind it, which is an OR of spikes; two linear layers with dropout; ten neurons vote for each class, and a score is
their rate. `digit-films` are frames in which noise hides handwritten digits; `published-mnist` and `published-cifar10` are as in
the paper, whose images are the same in every frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import ParametricLIFNode
from spikingjelly.activation_based.surrogate import ATan
from torch import nn

from models.layers.firing import set_firing_rates
from models.training.classification.digit_films import DigitFilms, films_task
from models.training.classification.samples import example_samples
from models.training.classification.task import ClassificationTask
from models.training.classification.training import classification_training, plain_losses, plain_metrics
from models.training.model_page import config_named, seeded, trained_weights
from models.training.sizes import require_positive
from models.training.stage import Training
from models.training.state_dicts import load_network

SEED = 2007
EPOCHS = 40
CLASSES, VOTES = 10, 10
ERROR = "squared error"
"""What the paper trains by."""
FILM = (1, 16)
"""Channels and pixels a side of the films that there are to train on."""


@dataclass(frozen=True)
class PlifNetConfig:
    """
    Sizes of one network.

    Raises:
        ValueError: for an image that the pools do not divide, or sizes below 1.
    """

    image: tuple[int, int]
    """Channels, and pixels a side."""
    channels: int
    hidden: int
    """Neurons of the first linear layer."""
    convolutions: int = 1
    """In each of the two stages."""
    T: int = 8
    """Time steps per sample."""

    def __post_init__(self) -> None:
        require_positive(self, "channels", "hidden", "convolutions", "T")
        if len(self.image) != 2 or min(self.image) < 1 or self.image[1] % 4:
            raise ValueError(f"image = {self.image}: at least 1 channel, and a side that two pools of 2 divide")


CONFIGS: dict[str, PlifNetConfig] = {
    "digit-films": PlifNetConfig(image=FILM, channels=16, hidden=128),
    "published-mnist": PlifNetConfig(image=(1, 28), channels=128, hidden=2048),
    "published-cifar10": PlifNetConfig(image=(3, 32), channels=256, hidden=2048, convolutions=3),
}
"""Configurations by name; the first is the default."""

BATCH_FIRST = False


class PlifNet(nn.Module):
    """Two stages, two linear layers, votes, and their mean over time."""

    def __init__(self, config: PlifNetConfig) -> None:
        super().__init__()
        pixels = config.channels * (config.image[1] // 4) ** 2
        self.layers = nn.Sequential(
            *_stage(config.image[0], config.channels, config.convolutions),
            *_stage(config.channels, config.channels, config.convolutions),
            layer.Flatten(),
            *_dense(pixels, config.hidden),
            *_dense(config.hidden, CLASSES * VOTES),
            layer.VotingLayer(VOTES),
        )
        functional.set_step_mode(self, "m")

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """(T, B, C, H, W) in 0..1 -> scores (B, 10), rates."""
        functional.reset_net(self)
        return self.layers(frames).mean(0)


def _stage(inputs: int, outputs: int, convolutions: int) -> list[nn.Module]:
    modules: list[nn.Module] = []
    for place in range(convolutions):
        conv = layer.Conv2d(outputs if place else inputs, outputs, 3, padding=1, bias=False)
        modules += [conv, layer.BatchNorm2d(outputs), _plif()]
    return [*modules, layer.MaxPool2d(2, 2)]


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [layer.Dropout(0.5), layer.Linear(inputs, outputs), _plif()]


def _plif() -> ParametricLIFNode:
    """`v += (x - v) sigmoid(w)`, w learned, tau = 2 at first; fires at `v >= 1`, then `v = 0`; surrogate: arctangent."""
    return ParametricLIFNode(init_tau=2.0, surrogate_function=ATan(), detach_reset=True)


def build(config: str) -> nn.Module:
    """
    The network in eval mode, with random weights (seeded, always the same) with which the neurons fire.

    Raises:
        ValueError: for a name that is not in `CONFIGS`.
    """
    network = _initial(config_named(CONFIGS, config, "PLIF net"), SEED)
    set_firing_rates(network, example(config, samples=2, seed=SEED))
    return network


def weights(config: str) -> Path | None:
    """The trained weights that come with the repository, a state dict, or None."""
    config_named(CONFIGS, config, "PLIF net")
    return trained_weights("plif_net", config)


def load_weights(parts: dict[str, nn.Module], path: Path) -> None:
    """
    Load a checkpoint of our own into the part `network`.

    Raises:
        ValueError: if the file does not fit the network.
    """
    load_network(parts["network"], path, "PLIF net")


def example(config: str, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    `{"frames": (T, samples, C, H, W)}`: films of the dev split, or random images of published size, the same in every step.

    Raises:
        ValueError: for a name that is not in `CONFIGS`, or more samples than there are dev films.
    """
    own = config_named(CONFIGS, config, "PLIF net")
    if own.image == FILM:
        return example_samples(DigitFilms(own.T), samples, seed)
    channels, side = own.image
    images = torch.rand(samples, channels, side, side, generator=torch.Generator().manual_seed(seed))
    return {"frames": images.repeat(own.T, 1, 1, 1, 1)}


def task(config: str) -> ClassificationTask | None:
    """Films of digits, or None for images of another size."""
    own = config_named(CONFIGS, config, "PLIF net")
    return films_task(DigitFilms(own.T)) if own.image == FILM else None


def training(config: PlifNetConfig, seed: int, epochs: int | None = None) -> Training:
    """
    What `python -m models.train` does with a configuration.

    Raises:
        ValueError: for another size than that of the films, the only training data here.
    """
    if config.image != FILM:
        raise ValueError(f"there are films of {FILM[1]} x {FILM[1]} pixels to train on, not images of {config.image}")
    network = _initial(config, seed)
    losses, metrics = partial(plain_losses, network, error=ERROR), partial(plain_metrics, network, error=ERROR)
    return classification_training(network, DigitFilms(config.T), epochs or EPOCHS, losses, metrics, ERROR)


def _initial(config: PlifNetConfig, seed: int) -> nn.Module:
    return seeded(lambda: PlifNet(config), seed).eval()
