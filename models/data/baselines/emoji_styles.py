"""
How well a small network matches drawings and words: `python -m models.data.baselines.emoji_styles spiking`.

Three convolutions with batch norm (LIF, T = 4, the image repeated; or ReLU, once) see the image, a linear layer reads the bag of
words of name and keywords, both into 64 dimensions on the unit sphere. They learn by InfoNCE in both directions and, with a
weight of 0.3, the group of the image; images are shifted, turned, scaled, mirrored and coloured at random, and three words of ten
are left out.

Prints, in percent, R@1, 5 and 10 of finding the words of an image among those of its split, and right groups.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from models.data.baselines.stages import branch
from models.data.emoji_styles import EmojiSplit, load_split
from models.data.emoji_words import bag_of_words, token_ids, vocabulary

EPOCHS, BATCH = 60, 190
STEPS = {"spiking": 4, "relu": 1}
CHANNELS, DIMENSIONS, GROUPS = (3, 32, 64, 128), 64, 8
GROUP_WEIGHT, WORD_DROPOUT = 0.3, 0.3
LARGEST_SCALE = 60.0


class SeeAndRead(nn.Module):
    """Images (batch, 3, 32, 32) and bags of words (batch, words) to unit vectors (batch, 64), and groups (batch, 8) of images."""

    def __init__(self, kind: str, words: int) -> None:
        super().__init__()
        self.steps = STEPS[kind]
        self.image = branch(CHANNELS, kind)
        self.project = nn.Sequential(nn.Dropout(0.3), nn.Linear(2048, DIMENSIONS))
        self.words = nn.Linear(words, DIMENSIONS)
        self.group = nn.Linear(DIMENSIONS, GROUPS)
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    def see(self, images: Tensor) -> tuple[Tensor, Tensor]:
        functional.reset_net(self)
        features = self.project(self.image(images.expand(self.steps, *images.shape)).mean(0))
        return nn.functional.normalize(features), self.group(features)

    def read(self, bags: Tensor) -> Tensor:
        return nn.functional.normalize(self.words(bags))


def bags(data: EmojiSplit) -> Tensor:
    """(n, words) counts of the captions' words up to 2, each row divided by its length, if that is above 1."""
    counts = torch.from_numpy(bag_of_words(token_ids(data.captions()))).clamp(max=2.0)
    return nn.functional.normalize(counts, eps=1.0)


def altered(images: Tensor) -> Tensor:
    """Another drawing of the same: moved on white paper, and its colours mixed."""
    count = len(images)
    angle, scale = torch.empty(count).uniform_(-0.2, 0.2), torch.empty(count).uniform_(0.85, 1.2)
    mirror = torch.randint(0, 2, (count,)) * 2.0 - 1.0
    rows = (angle.cos() * scale * mirror, -angle.sin() * scale, angle.sin() * scale * mirror, angle.cos() * scale)
    shift = torch.empty(count, 2, 1).uniform_(-0.12, 0.12)
    places = torch.cat((torch.stack(rows, dim=1).view(count, 2, 2), shift), dim=2)
    grid = nn.functional.affine_grid(places, list(images.shape), align_corners=False)
    ink = nn.functional.grid_sample(1.0 - images, grid, align_corners=False)
    colours = torch.eye(3) + 0.15 * torch.randn(count, 3, 3)
    return 1.0 - torch.einsum("bij,bjhw->bihw", colours, ink).clamp(0.0, 1.0)


def loss(network: SeeAndRead, images: Tensor, words: Tensor, groups: Tensor) -> Tensor:
    """InfoNCE both ways and the group's cross entropy."""
    seen, group = network.see(altered(images))
    kept = words * (torch.rand_like(words) > WORD_DROPOUT)
    scores = network.log_scale.exp().clamp(max=LARGEST_SCALE) * seen @ network.read(kept).T
    own = torch.arange(len(scores))
    entropy = nn.functional.cross_entropy
    matching = (entropy(scores, own) + entropy(scores.T, own)) / 2
    return matching + GROUP_WEIGHT * entropy(group, groups)


def train(network: SeeAndRead, epochs: int) -> None:
    """AdamW with one cycle of the learning rate; a batch has each concept once, in one style."""
    data = load_split("train")
    images, words, groups = torch.from_numpy(data.pixels()), bags(data), torch.from_numpy(data.groups)
    concepts = len(data.concepts) // 2
    batches = concepts // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, 2 * epochs * batches)
    for _ in range(epochs):
        network.train()
        for style in range(2):
            order = style * concepts + torch.randperm(concepts)[: batches * BATCH]
            for batch in order.view(batches, BATCH).unbind():
                optimizer.zero_grad()
                loss(network, images[batch], words[batch], groups[batch]).backward()
                optimizer.step()
                schedule.step()


@torch.no_grad()
def scores(network: SeeAndRead, data: EmojiSplit) -> dict[str, float]:
    """In percent, over the images of the split's last style."""
    network.eval()
    count = len(np.unique(data.concepts))
    images, words = torch.from_numpy(data.pixels()[-count:]), bags(data)[-count:]
    seen, group = network.see(images)
    similar = seen @ network.read(words).T
    rank = (similar > similar.diagonal()[:, None]).sum(1)
    result = {f"R@{k}": float((rank < k).double().mean()) for k in (1, 5, 10)}
    result["groups"] = float((group.argmax(1) == torch.from_numpy(data.groups[-count:])).double().mean())
    return {name: round(100.0 * value, 1) for name, value in result.items()}


def main(kind: str, seed: str = "0") -> None:
    """Train and print."""
    torch.manual_seed(int(seed))
    network = SeeAndRead(kind, len(vocabulary()))
    train(network, EPOCHS)
    for split in ("dev", "test-style", "test-concepts"):
        print(f"{split}: {scores(network, load_split(split))}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
