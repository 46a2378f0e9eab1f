"""
What can be varied in SpikeCLIP (Lv et al., "SpikeCLIP: A Contrastive Language-Image Pretrained Spiking Neural Network",
arXiv 2310.06488), as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from models.layers.patch_stem import POOL_ORDERS
from models.networks.spikeclip.step_weights import START, STEP_WEIGHTS
from models.training.sizes import require_positive

TEXTS = ("mlp", "transformer")
NEURONS = ("lif", "none")
SMALL_TEACHER = "small"
MLP_RATIO = 4
"""Hidden neurons of every MLP, per input feature."""


@dataclass(frozen=True)
class SpikeClipConfig:
    """
    Sizes and variants of one SpikeCLIP network; D is the paper's symbol.

    Raises:
        ValueError: for sizes that do not divide or are below 1, or a variant that does not exist.
    """

    D: int
    """Width of the image encoder's stream, and of the transformer text encoder's."""
    heads: int
    E: int
    """Width of the space that images and texts share, and of a word's embedding."""
    vocabulary: int
    """Rows of the word embedding."""
    positions: int
    """Rows of the position embedding."""
    words: int = 20
    """Padded tokens of a text."""
    pixels: int = 32
    """Sides of an image."""
    depth: int = 4
    """Blocks of the image encoder, and of the transformer text encoder."""
    T: int = 4
    """Time steps per sample."""
    pool: str = "analog"
    """`analog` (of currents) as in the published code, or `spike` (an OR) as in Spikingformer."""
    time: str = "learned"
    """Weights of the time steps in the read-outs: `learned` as published, or `mean`."""
    text: str = "mlp"
    """The text encoder: `mlp` as published, or `transformer`."""
    neurons: str = "lif"
    """`lif`, or `none`: the twin without spikes, ScratchCLIP."""

    teacher: str = SMALL_TEACHER
    """Whom the encoders follow in training: a `small` network, trained first, or a CLIP (`pretrained_teacher`)."""
    ce: float = 1.0
    """Weight of the cross entropy in the fine-tuning; 0 leaves it out."""
    alpha: float = 1.0
    """Weight of the divergence from the teacher's classes in the fine-tuning, KL in the paper; 0 leaves it out."""

    def __post_init__(self) -> None:
        for name, known in (("pool", POOL_ORDERS), ("time", STEP_WEIGHTS), ("text", TEXTS), ("neurons", NEURONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} {getattr(self, name)!r} is not one of {', '.join(known)}")
        require_positive(self, "D", "heads", "E", "vocabulary", "positions", "words", "pixels", "depth")
        if not 1 <= self.T <= len(START):
            raise ValueError(f"T = {self.T}: SpikeCLIP has time weights for 1 to {len(START)} steps")
        if self.D % self.heads or self.D % 8:
            raise ValueError(f"width D = {self.D} is not divisible by {self.heads} heads, or not by 8 for the stem")
        if self.words > self.positions:
            raise ValueError(f"{self.words} words need as many positions, not {self.positions}")
        if min(self.ce, self.alpha) < 0 or self.ce + self.alpha == 0:
            raise ValueError(f"the fine-tuning needs a loss: ce = {self.ce} and alpha = {self.alpha}")
        if self.pixels % 4:
            raise ValueError(f"{self.pixels} pixels are not divisible by 4: two pools halve an image")
