"""
What can be varied in CMSF (Zong et al., "Brain-Inspired Multimodal Spiking Neural Network for
Image-Text Retrieval", arXiv 2603.26787), as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from models.training.sizes import require_positive

FUSIONS = ("scca", "sca", "scsa", "none")
GATES = ("analog", "spike")
MAX_STEPS = 6


@dataclass(frozen=True)
class CmsfConfig:
    """
    Sizes and variants of one CMSF network; capital letters are the paper's symbols.

    Raises:
        ValueError: for sizes that do not divide or are below 1, or a variant that does not exist.
    """

    N: int
    """Region tokens per image."""
    L: int
    """Word tokens per caption."""
    D: int
    """Width of a token in the network."""
    F: int
    """Hidden neurons of the gated MLP."""
    region_features: int
    word_features: int
    heads: int
    """Attention heads of the encoders, and of the SCA and SCSA fusion."""
    combs: int
    """Groups of tokens that SCCA ORs over (h in the paper)."""
    T: int = 2
    """Time steps per sample."""
    depth: int = 1
    """Encoder blocks."""
    generator: str = "repeat-ln"
    """Spike generator, a key of `models.layers.spike_generators.GENERATORS`."""
    fusion: str = "scca"
    gate: str = "analog"
    """`analog` as in the published code, or `spike` as the paper's energy table assumes."""
    interleave: bool = True
    """SCCA reorders the key tokens as the published code does (probably by mistake)."""

    detach_labels: bool = False
    """In training, soft labels carry no gradient into the fusion (published: they do)."""

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion {self.fusion!r} is not one of {', '.join(FUSIONS)}")
        if self.gate not in GATES:
            raise ValueError(f"gate {self.gate!r} is not one of {', '.join(GATES)}")
        require_positive(self, "N", "L", "D", "F", "region_features", "word_features", "heads", "combs", "depth")
        if not 1 <= self.T <= MAX_STEPS:
            raise ValueError(f"T = {self.T}: CMSF has time weights for 1 to {MAX_STEPS} steps")
        if self.D % self.heads:
            raise ValueError(f"width D = {self.D} is not divisible by {self.heads} heads")
        if self.fusion == "scca":
            self._check_combs()

    def _check_combs(self) -> None:
        if self.N != self.L:
            raise ValueError(f"SCCA pairs tokens: N = {self.N} regions need as many words, not L = {self.L}")
        if self.L % self.combs:
            raise ValueError(f"{self.L} tokens are not divisible into {self.combs} combs")
