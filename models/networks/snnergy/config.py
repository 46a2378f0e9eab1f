"""
What can be varied in SNNergy ("Cross-Modal Binary Attention: An Energy-Efficient Fusion Framework for Audio-Visual Learning",
arXiv 2602.00701), as one frozen record."""

from __future__ import annotations

from dataclasses import dataclass

from models.layers.stems import POOL_ORDERS
from models.training.sizes import require_positive

FUSIONS = (
    "cmqka",
    "over-tokens",
    "gate",
    "spikefuse",
    "causal-mean",
    "spatial",
    "temporal",
    "s-cmrl",
    "token",
    "channel",
)
STAGES = 3


@dataclass(frozen=True)
class InputSize:
    """One step of a modality's input: channels and pixels, and how fast its stem shrinks them."""

    channels: int
    height: int
    width: int
    stem_stride: int = 2
    """Stride of the stem's first pool: 2 as published (images shrink to a quarter), 1 for small images (to half)."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.channels, self.height, self.width


@dataclass(frozen=True)
class SnnergyConfig:
    """
    Sizes and variants of one SNNergy network.

    The paper's numbers of depths, thresholds and start values are lost in the text that is at hand; what stands here for them is
    ours: depths 1, 1, 1, threshold 1 and tau 2 everywhere but in the masks (0.6).

    Raises:
        ValueError: for sizes below 1 or that do not divide, streams whose tokens do not pair, or a variant that there is not.
    """

    width: int
    """Channels of the first stage; the others have 2 and 4 times as many."""
    heads: int
    classes: int
    video: InputSize
    audio: InputSize
    T: int = 6
    """Time steps per sample."""
    depths: tuple[int, int, int] = (1, 1, 1)
    """Blocks per stage."""
    fusion: str = "cmqka"
    """
    What joins the streams in the first two stages, as `models.networks.snnergy.fusion.FUSIONS` builds it: `cmqka` as published,
    `over-tokens` another reading of it; `gate`, `spikefuse` and `causal-mean` for hardware; `spatial` or `temporal` alone;
    `s-cmrl`'s attentions; QKFormer's `token` or `channel` attention, which join nothing: streams then meet in the third stage
    only.
    """
    pool: str = "current"
    """Order of pools and neurons in the stems, a key of `models.layers.stems.POOL_ORDERS`."""
    sum_neuron: bool = False
    """
    Neurons behind the sum of a stem's two paths, as the paper's equation 14 has them; QKFormer has none. With threshold 1 they
    are an AND of the paths.
    """
    mask_threshold: float = 0.6
    """Threshold of CMQKA's masks. QKFormer's own have 0.5, an OR."""
    modality: str = "both"
    """What is shown of the data: `both`, or `video` or `audio` with zeros for the other one, which measures it alone."""
    setting: str = "balanced"
    """Noise of the data, `models.data.av_digits.SETTINGS`."""

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion {self.fusion!r} is not one of {', '.join(FUSIONS)}")
        if self.pool not in POOL_ORDERS:
            raise ValueError(f"pool {self.pool!r} is not one of {', '.join(POOL_ORDERS)}")
        require_positive(self, "width", "heads", "classes", "T")
        if len(self.depths) != STAGES or min(self.depths) < 1:
            raise ValueError(f"depths {self.depths} must be {STAGES} numbers of blocks, each at least 1")
        if self.width % 2 or self.width % self.heads:
            raise ValueError(f"width {self.width} must be even and divisible by {self.heads} heads")
        if self.tokens("video") != self.tokens("audio"):
            raise ValueError(
                f"the streams' tokens are paired: video has {self.tokens('video')} in its stages, audio {self.tokens('audio')}"
            )

    def grid(self, modality: str, stage: int) -> tuple[int, int]:
        """Height and width of a modality's tokens in stage 0, 1 or 2; pools round up."""
        size = self.video if modality == "video" else self.audio
        halvings = [size.stem_stride, *[2] * (stage + 1)]
        height, width = size.height, size.width
        for stride in halvings:
            height, width = -(-height // stride), -(-width // stride)
        return height, width

    def tokens(self, modality: str) -> tuple[int, ...]:
        """Tokens of a modality in each stage."""
        grids = [self.grid(modality, stage) for stage in range(STAGES)]
        return tuple(height * width for height, width in grids)
