"""
How well a small network hears and sees: `python -m models.data.baselines.av_digits spiking balanced branches`.

Three convolutions with batch norm hear the whole spectrogram (repeated in every step) and two see the frames, each followed by
a neuron: LIF (tau 2, hard reset) or ReLU. Features are means over time, read out by a linear layer for each branch and one for
both.

    branches   each branch learns from its own label, and the common layer from what both have learnt
    joint      the common layer's label alone teaches the branches; the branches' layers tell what they have learnt

Prints accuracy in percent of audio, image, both, and of the sum of both branches' log probabilities, after each fifth of the
epochs on dev, and at the end on test, on the recorded person, and on the recordings of a folder that is named last.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from models.data.av_digits import AudioVisual, load_split, whole_spectrogram, with_test_frames
from models.data.baselines.stages import branch
from models.data.published.free_spoken_digits import load_free_spoken_digits
from models.data.spoken_digits import load_human_digits

EPOCHS, BATCH = 30, 128
LABEL_SMOOTHING = 0.05


class HearAndSee(nn.Module):
    """Two branches and three read-outs; audio (T, batch, 1, 32, 32) and video (T, batch, 1, 16, 16) to (batch, 10) each."""

    def __init__(self, kind: str, objective: str) -> None:
        super().__init__()
        self.objective = objective
        self.audio, self.video = branch((1, 16, 32, 64), kind), branch((1, 16, 32), kind)
        self.read_audio, self.read_video = nn.Linear(1024, 10), nn.Linear(512, 10)
        self.read_both = nn.Linear(1536, 10)

    def forward(self, audio: Tensor, video: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        heard, seen = self.audio(audio).mean(0), self.video(video).mean(0)
        both = torch.cat((heard, seen), dim=1)
        if self.objective == "joint":
            return self.read_audio(heard.detach()), self.read_video(seen.detach()), self.read_both(both)
        return self.read_audio(heard), self.read_video(seen), self.read_both(both.detach())


def inputs(data: AudioVisual) -> tuple[Tensor, Tensor, Tensor]:
    """Audio and video with time first, and labels."""
    video = torch.from_numpy(data.video).transpose(0, 1)
    audio = torch.from_numpy(whole_spectrogram(data.audio))
    return audio.expand(len(video), *audio.shape), video, torch.from_numpy(data.labels)


def train(network: HearAndSee, setting: str, epochs: int, seed: int) -> None:
    """AdamW with one cycle of the learning rate; new noise in each epoch."""
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
    batches = len(load_split("train", setting, steps=1).labels) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, epochs * batches)
    loss = nn.CrossEntropyLoss(label_smoothing=LABEL_SMOOTHING)
    for epoch in range(epochs):
        network.train()
        audio, video, labels = inputs(load_split("train", setting, seed=1000 * seed + epoch))
        order: Tensor = torch.randperm(len(labels))[: batches * BATCH]
        for batch in order.view(batches, BATCH).unbind():
            functional.reset_net(network)
            outputs = network(audio[:, batch], video[:, batch])
            optimizer.zero_grad()
            torch.stack([loss(output, labels[batch]) for output in outputs]).sum().backward()
            optimizer.step()
            schedule.step()
        if (epoch + 1) % max(1, epochs // 5) == 0:
            print(f"epoch {epoch + 1}, dev: {accuracies(network, load_split('dev', setting))}", flush=True)


@torch.no_grad()
def accuracies(network: HearAndSee, data: AudioVisual) -> dict[str, float]:
    """In percent."""
    network.eval()
    audio, video, labels = inputs(data)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for start in range(0, len(labels), 250):
        functional.reset_net(network)
        parts.append(network(audio[:, start : start + 250], video[:, start : start + 250]))
    heard, seen, both = (torch.cat(part) for part in zip(*parts, strict=True))
    logits = {"audio": heard, "image": seen, "both": both, "sum": heard.log_softmax(1) + seen.log_softmax(1)}
    right = {name: float((value.argmax(1) == labels).double().mean()) for name, value in logits.items()}
    return {name: round(100.0 * value, 1) for name, value in right.items()}


def main(kind: str, setting: str, objective: str, seed: str = "0", folder: str = "") -> None:
    """Train and print."""
    torch.manual_seed(int(seed))
    network = HearAndSee(kind, objective)
    train(network, setting, EPOCHS, int(seed))
    print(f"test: {accuracies(network, load_split('test', setting))}")
    print(f"person: {accuracies(network, with_test_frames(load_human_digits(), setting))}")
    if folder:
        recordings = load_free_spoken_digits(Path(folder))
        for snr in (np.inf, 10.0):
            print(
                f"recordings, {snr} dB: {accuracies(network, with_test_frames(recordings, setting, snr=snr))}",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
