"""
What can be varied in TAAF-SNN ("Spiking Neural Networks with Temporal Attention-Guided Adaptive Fusion for imbalanced Multi-modal
Learning", arXiv 2505.14535), as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from models.training.sizes import require_positive

FUSIONS = ("concat", "sum")
STAGES = 4


@dataclass(frozen=True)
class BranchSize:
    """Input of one modality: its own number of time steps, channels and pixels."""

    steps: int
    channels: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of a step."""
        return self.channels, self.height, self.width


@dataclass(frozen=True)
class TaafConfig:
    """
    Sizes and variants of one TAAF network.

    Raises:
        ValueError: for a fusion that does not exist, sizes below 1, an even kernel, or steps that cannot be aligned.
    """

    video: BranchSize
    audio: BranchSize
    classes: int
    T: int = 4
    """Steps after the time alignment."""
    width: int = 64
    """Channels of a branch's first stage; 8 times as many leave the last."""
    kernel: int = 7
    """Side of a branch's first convolution."""
    stride: int = 2
    """Stride of a branch's first convolution."""
    fusion: str = "concat"
    """`concat` puts features side by side, `sum` adds them."""
    alpha_inference: bool = False
    """Class scores are weighted by the importance of their step, in place of a plain mean. The paper does not say which."""
    guidance: float = 0.5
    """Share of the attention-guided term in the losses, lambda in the paper; 0 leaves plain cross entropy."""
    suppression: float = 0.1
    """How much the modality ahead is held back, a in the paper; 0 leaves both alike."""
    unimodal_weight: float = 1.0
    """Weight of each modality's own loss, beta in the paper."""
    smoothing: float = 0.0
    """Share of a label that all classes get alike in the losses (label smoothing); ours, the paper has none."""
    modality: str = "both"
    """What is shown of the data: `both`, or `video` or `audio` with zeros for the other one, which measures it alone."""
    setting: str = "balanced"
    """Noise of the data, `models.data.av_digits.SETTINGS`."""
    normalised: bool = False
    """Whether bands of sound come without their means and clips alike in contrast (`models.data.av_digits`); ours."""

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion {self.fusion!r} is not one of {', '.join(FUSIONS)}")
        require_positive(self, "classes", "width", "kernel", "stride")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel = {self.kernel} must be odd: it lies around a pixel")
        for name, steps in (("aligned", self.T), ("video", self.video.steps), ("audio", self.audio.steps)):
            if steps < 1:
                raise ValueError(f"{name} has {steps} time steps; at least one is needed")
            if steps % self.T and self.T % steps:
                raise ValueError(
                    f"{steps} steps of {name} cannot be aligned with T = {self.T}: one must divide the other"
                )

    @property
    def features(self) -> int:
        """Channels that leave a branch."""
        return self.width * 2 ** (STAGES - 1)
