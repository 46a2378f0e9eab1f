"""
What networks of published size have, worked out by hand from the papers and the published code, before anything was compiled.

One row per group of layers: neurons, and synapses per step, one for every weight that meets an input. The tables count with
conventions of their own, which `tests/test_published.py` says beside the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_Counted = tuple[int, int, tuple[int, int], int]


@dataclass(frozen=True)
class Row:
    """A group of layers."""

    title: str
    paths: str
    """Regular expression of the modules' paths."""
    neurons: int
    synapses: int
    added: tuple[int, int] = (0, 0)
    """Neurons and synapses of attention in order (Q K^T) V, of masked keys, of pooled spikes."""
    masks: bool = False
    """Whether `added` is a mask's AND with the keys."""
    behind_border: int = 0
    """
    Synapses of one more copy. The table counts a sum of two populations and of a term that only the host has; where this begins a
    new phase, the sum itself crosses the border, as payloads of one population.
    """


def _clip_block(number: int, before_attention: int, before_mlp: int) -> tuple[Row, ...]:
    """A block of SpikeCLIP, and the duplicates of earlier branches that its two first populations read."""
    at, mlp = rf"block\.{number}\.attn\.", rf"block\.{number}\.mlp\."
    return (
        Row(f"block {number} neurons on the stream", at + "proj_lif", 24_576, before_attention),
        Row(f"block {number} Q, K, V", at + "[qkv]_(conv|lif)", 73_728, 28_311_552),
        Row(f"block {number} attention", at + "attn_lif", 24_576, 3_145_728, (3_178_496, 9_437_184)),
        Row(f"block {number} projection into the stream", at + "proj_conv", 0, 9_437_184),
        Row(f"block {number} neurons on the stream, MLP", mlp + "mlp1_lif", 24_576, before_mlp),
        Row(f"block {number} fc1", mlp + "(mlp1_conv|mlp2_lif)", 98_304, 37_748_736),
        Row(f"block {number} fc2 into the stream", mlp + "mlp2_conv", 0, 37_748_736),
    )


SPIKECLIP_IMAGE = (
    Row("conv0 on pixels", r"patch_embed\.block0_conv", 0, 1_272_384),
    Row("neurons 1", r"patch_embed\.block1_lif", 49_152, 0),
    Row("conv1", r"patch_embed\.(block1_conv|block2_lif)", 98_304, 40_716_288),
    Row("conv2, pool", r"patch_embed\.(block2_conv|block3_lif)", 49_152, 162_865_152),
    Row("conv3, pool", r"patch_embed\.(block3_conv|block4_lif)", 24_576, 156_008_448),
    Row("conv4 into the stream", r"patch_embed\.block4_conv", 0, 71_368_704),
    *_clip_block(0, 0, 71_368_704),
    *_clip_block(1, 80_805_888, 118_554_624),
    *_clip_block(2, 127_991_808, 165_740_544),
    *_clip_block(3, 175_177_728, 212_926_464),
)
SPIKECLIP_TEXT = (
    Row("neurons on the embedding", "mlp_lif1", 10_240, 0),
    Row("fc1", "fc1|mlp_lif2", 2_048, 20_971_520),
    Row("fc2", "fc2", 0, 1_048_576),
)


def snnergy(width: int) -> tuple[Row, ...]:
    """SNNergy of base width 96 or 192, both modalities."""
    video, audio = {96: (21_013_056, 7_004_352), 192: (42_026_112, 14_008_704)}[width]
    return (*_stream("video", width, video), *_stream("audio", width, audio))


def _stream(modality: str, width: int, conv0: int) -> Iterator[Row]:
    yield Row(f"{modality} stem conv0", rf"{modality}\.patch_embed1\.proj_conv", 0, conv0)
    for title, paths, *counted in _STREAM:
        neurons, synapses, added, behind = counted[width // 96 - 1]
        yield Row(f"{modality} {title}", rf"{modality}\.{paths}", neurons, synapses, added, "masks" in title, behind)


_STREAM: tuple[tuple[str, str, _Counted, _Counted], ...] = (
    ("stem pool, neurons 0", r"patch_embed1\.proj_lif", (196_608, 0, (0, 0), 0), (393_216, 0, (0, 0), 0)),
    (
        "stem conv1, pool",
        r"patch_embed1\.proj1_(conv|lif)",
        (98_304, 166_348_800, (0, 0), 0),
        (196_608, 665_395_200, (0, 0), 0),
    ),
    (
        "stem shortcut",
        r"patch_embed1\.proj_res_(conv|lif)",
        (98_304, 4_718_592, (0, 0), 0),
        (196_608, 18_874_368, (0, 0), 0),
    ),
    (
        "stem conv2",
        r"patch_embed1\.proj2_(conv|lif)",
        (98_304, 81_432_576, (0, 0), 0),
        (196_608, 325_730_304, (0, 0), 0),
    ),
    (
        "stage 1 CMQKA Qs, Ks, Qt, Kt",
        r"stage1\.0\.tssa\.(spatial|temporal)\.[qk]_(conv|lif)",
        (393_216, 75_497_472, (0, 0), 0),
        (786_432, 301_989_888, (0, 0), 0),
    ),
    (
        "stage 1 masks, masked keys",
        r"stage1\.0\.tssa\.(spatial|temporal)(\.attn_lif)?",
        (16_384, 196_608, (196_608, 393_216), 0),
        (16_384, 393_216, (393_216, 786_432), 0),
    ),
    (
        "stage 1 MLP",
        r"stage1\.0\.mlp\.mlp[12]_(conv|lif)",
        (491_520, 150_994_944, (0, 0), 37_748_736),
        (983_040, 603_979_776, (0, 0), 150_994_944),
    ),
    (
        "SPDS2 conv3, pool",
        r"patch_embed2\.proj3_(conv|lif)",
        (49_152, 651_460_608, (0, 0), 162_865_152),
        (98_304, 2_605_842_432, (0, 0), 651_460_608),
    ),
    (
        "SPDS2 shortcut",
        r"patch_embed2\.proj_res_(conv|lif)",
        (49_152, 18_874_368, (0, 0), 4_718_592),
        (98_304, 75_497_472, (0, 0), 18_874_368),
    ),
    (
        "SPDS2 conv4",
        r"patch_embed2\.proj4_(conv|lif)",
        (49_152, 78_004_224, (0, 0), 0),
        (98_304, 312_016_896, (0, 0), 0),
    ),
    (
        "stage 2 CMQKA Qs, Ks, Qt, Kt",
        r"stage2\.0\.tssa\.(spatial|temporal)\.[qk]_(conv|lif)",
        (196_608, 75_497_472, (0, 0), 0),
        (393_216, 301_989_888, (0, 0), 0),
    ),
    (
        "stage 2 masks, masked keys",
        r"stage2\.0\.tssa\.(spatial|temporal)(\.attn_lif)?",
        (4_096, 98_304, (98_304, 196_608), 0),
        (4_096, 196_608, (196_608, 393_216), 0),
    ),
    (
        "stage 2 MLP",
        r"stage2\.0\.mlp\.mlp[12]_(conv|lif)",
        (245_760, 150_994_944, (0, 0), 37_748_736),
        (491_520, 603_979_776, (0, 0), 150_994_944),
    ),
    (
        "SPDS3 conv3, pool",
        r"patch_embed3\.proj3_(conv|lif)",
        (24_576, 624_033_792, (0, 0), 156_008_448),
        (49_152, 2_496_135_168, (0, 0), 624_033_792),
    ),
    (
        "SPDS3 shortcut",
        r"patch_embed3\.proj_res_(conv|lif)",
        (24_576, 18_874_368, (0, 0), 4_718_592),
        (49_152, 75_497_472, (0, 0), 18_874_368),
    ),
    (
        "SPDS3 conv4",
        r"patch_embed3\.proj4_(conv|lif)",
        (24_576, 71_368_704, (0, 0), 0),
        (49_152, 285_474_816, (0, 0), 0),
    ),
    (
        "stage 3 SSA Q, K, V, projection",
        r"stage3\.0\.ssa\.([qkv]|proj)_(conv|lif)",
        (98_304, 66_060_288, (0, 0), 0),
        (196_608, 264_241_152, (0, 0), 0),
    ),
    (
        "stage 3 attention",
        r"stage3\.0\.ssa\.attn_lif",
        (24_576, 3_145_728, (3_178_496, 9_437_184), 0),
        (49_152, 6_291_456, (6_324_224, 18_874_368), 0),
    ),
    (
        "stage 3 MLP",
        r"stage3\.0\.mlp\.mlp[12]_(conv|lif)",
        (122_880, 150_994_944, (0, 0), 0),
        (245_760, 603_979_776, (0, 0), 0),
    ),
)
"""Groups of layers of one modality, their modules, and for widths 96 and 192 neurons, synapses, what is added, `behind_border`."""


def taaf(pixels: int, modality: str) -> tuple[Row, ...]:
    """A branch of TAAF for images of 224 or 64 pixels, three channels of video or one of audio."""
    conv1 = {
        (224, "video"): 116_214_528,
        (224, "audio"): 38_738_176,
        (64, "video"): 9_124_608,
        (64, "audio"): 3_041_536,
    }
    neurons, pool, blocks = _BRANCHES[pixels]
    rows = [Row("conv1", rf"{modality}\.(conv1|sn1)", neurons, conv1[pixels, modality])]
    for k, counted in enumerate(blocks):
        paths = rf"{modality}\.layer{k // 2 + 1}\.{k % 2}\..*"
        rows.append(Row(f"stage {k // 2 + 1} block {k % 2}", paths, *counted, added=(0, 0) if k else pool))
    return tuple(rows)


_BRANCHES = {
    224: (
        802_816,
        (200_704, 1_784_896),
        (
            (401_408, 225_738_752),
            (401_408, 225_738_752),
            (200_704, 173_023_232),
            (200_704, 220_332_032),
            (100_352, 166_363_136),
            (100_352, 209_715_200),
            (50_176, 153_485_312),
            (50_176, 189_267_968),
        ),
    ),
    64: (
        65_536,
        (16_384, 141_376),
        (
            (32_768, 17_334_272),
            (32_768, 17_334_272),
            (16_384, 12_787_712),
            (16_384, 15_859_712),
            (8_192, 11_042_816),
            (8_192, 13_107_200),
            (4_096, 7_995_392),
            (4_096, 8_388_608),
        ),
    ),
}
"""Pixels -> neurons of conv1; what pooled spikes add before the first block; neurons and synapses of every block."""
SHORTCUTS: Mapping[int, Mapping[str, int]] = {
    224: {"stage 2 block 0": 100_352, "stage 3 block 0": 50_176, "stage 4 block 0": 25_088},
    64: {"stage 2 block 0": 8_192, "stage 3 block 0": 4_096, "stage 4 block 0": 2_048},
}
"""Pixels -> neurons of shortcuts that change sizes, which the totals leave out."""
