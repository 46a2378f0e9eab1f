"""
Networks of published size, lowered and counted, against what was worked out by hand: every group of layers, and the totals.

Conventions of the numbers worked out by hand: attention in order (Q K^T) V; SpikeCLIP and SNNergy with copies of the synapses for
every population of a residual sum, TAAF without; a weight that meets an input is a synapse, on the host, too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from models import snnergy, spikeclip, taaf
from models.networks.spikeclip.parts import initial_parts, random_inputs
from tests.published import facts
from tests.published.counting import Count, Counts, count
from tests.published.measure import Row
from tests.published.page import page
from tests.published.table5 import printed, stages

slow = pytest.mark.slow
A = {"attention": "graded-a"}


def spikeclip_part(part: str, pool: str) -> Counts:
    config = replace(spikeclip.CONFIGS["published"], pool=pool)
    inputs = random_inputs(config, samples=1, seed=0)[part]
    return count(initial_parts(config, 0)[part], inputs, tuple(inputs), config.T, **A)


@cache
def snnergy_network(width: int, **change: Any) -> Counts:
    """Two steps in place of six: what is counted is per step."""
    name = f"published-{width}"
    config = replace(snnergy.CONFIGS[name], T=2, **change)
    inputs = {modality: clip[: config.T] for modality, clip in snnergy.example(name, 1, 0).items()}
    return count(snnergy.initial_network(config, 0), inputs, (), 0, **A)


def taaf_network(pixels: int) -> Counts:
    name = {224: "published", 64: "published-64"}[pixels]
    return count(taaf.initial_network(taaf.CONFIGS[name], 0), taaf.example(name, 1, 0), (), 0)


def of(counts: Counts, paths: str) -> Count:
    """The layers whose path is as `paths` says; there are some."""
    found = [layer for path, layer in counts.layers.items() if re.fullmatch(paths, path)]
    assert found, paths
    return sum(found, Count())


def added(layers: Count, kind: str) -> tuple[int, int]:
    """What a lowering added."""
    return layers[f"{kind} neurons"], layers[f"{kind} synapses"]


@slow
@pytest.mark.parametrize("pool", ["analog", "spike"])
def test_spikeclip(pool: str) -> None:
    counts = spikeclip_part("image", pool)
    pooled = {"conv2, pool": 147_456, "conv3, pool": 73_728} if pool == "spike" else {}
    for row in facts.SPIKECLIP_IMAGE:
        layer = of(counts, row.paths)
        assert layer["neurons"] == row.neurons + pooled.get(row.title, 0), row.title
        assert layer["synapses"] + layer["duplicates"] + layer["host"] == row.synapses, row.title
        assert added(layer, "attention=graded-a") == row.added, row.title
    total = counts.total
    assert total["neurons"] == 1_204_224 + sum(pooled.values())
    assert total["synapses"] + total["host"] - 384 * 512 == 897_798_720
    assert total["duplicates"] == 952_565_760
    taps = 384 * 3 * 8 * (8 + 3)  # sums of 8 x 8 pixels at 3 x 3 taps, one axis after the other
    assert total["again"] == taps + 384 * 384 * 9 + 4 * 384 * 384 + 3 * 1536 * 384
    assert added(total, "attention=graded-a") == (4 * 3_178_496, 37_748_736)


@slow
def test_spikeclip_text() -> None:
    counts = spikeclip_part("text", "analog")
    for row in facts.SPIKECLIP_TEXT:
        layer = of(counts, row.paths)
        assert (layer["neurons"], layer["synapses"] + layer["host"]) == (row.neurons, row.synapses), row.title
    total = counts.total
    assert (total["neurons"], total["synapses"] + total["host"]) == (12_288, 22_020_096)


def of_head(counts: Counts) -> int:
    """The classifier is counted once per sample, apart."""
    return counts.layers["head"]["host"]


def mask_neurons(total: Count) -> tuple[int, int]:
    """Masked keys as ANDs, one per element and of two synapses each; where the host takes their means, it forms them, too."""
    return total["masked"], 2 * total["masked"]


@slow
@pytest.mark.parametrize(
    ("width", "neurons", "synapses", "dense", "extra"),
    [
        (96, 4_612_096, 4_805_210_880, "2.175e+09", (6_946_816, 20_054_016)),
        (192, 9_183_232, 19_151_046_144, "8.630e+09", (13_828_096, 40_108_032)),
    ],
)
def test_snnergy(width: int, neurons: int, synapses: int, dense: str, extra: tuple[int, int]) -> None:
    counts = snnergy_network(width)
    assert counts.phases == 3
    for row in facts.snnergy(width):
        layer = of(counts, row.paths)
        assert layer["neurons"] == row.neurons, row.title
        assert layer["synapses"] + layer["duplicates"] + layer["host"] + row.behind_border == row.synapses, row.title
        assert (mask_neurons(layer) if row.masks else added(layer, "attention=graded-a")) == row.added, row.title
    total, behind = counts.total, sum(row.behind_border for row in facts.snnergy(width))
    once = total["synapses"] + total["host"] - of_head(counts)
    assert total["neurons"] == neurons
    assert once + total["duplicates"] + behind == synapses
    assert f"{once + total['masked']:.3e}" == dense
    assert tuple(map(sum, zip(mask_neurons(total), added(total, "attention=graded-a"), strict=True))) == extra


@slow
def test_snnergy_with_a_second_block_in_the_second_stage() -> None:
    counts = snnergy_network(96, depths=(1, 2, 1))
    total = counts.total
    assert counts.phases == 4
    assert total["neurons"] == 5_505_024
    assert mask_neurons(total)[0] + added(total, "attention=graded-a")[0] == 7_143_424
    assert mask_neurons(total)[1] + added(total, "attention=graded-a")[1] == 20_447_232


@slow
def test_snnergy_gated_and_pooling_spikes() -> None:
    """One phase: every population of a sum has its own copy. Three projections per block in place of four; two ANDs per key."""
    counts = snnergy_network(96, fusion="gate", pool="spike")
    assert counts.phases == 1
    for row in facts.snnergy(96):
        layer, projections = of(counts, row.paths), 3 if "CMQKA" in row.title else 4
        assert layer["synapses"] + layer["duplicates"] + layer["host"] == row.synapses * projections // 4, row.title
    total, stem = counts.total, added(of(counts, r"video\.patch_embed1\.proj1_lif"), "max-pool=or")
    assert added(total, "mask=and") == (2 * 2 * (98_304 + 49_152), 2 * 4 * (98_304 + 49_152))
    assert stem == (196_608, 1_751_088)
    assert total["neurons"] == 4_612_096 - 2 * (98_304 + 49_152) + 2 * (589_824 + 294_912 + 147_456 + 73_728)


@slow
@pytest.mark.parametrize(
    ("pixels", "neurons", "synapses"),
    [(224, 2_308_096, (1_679_878_912, 1_602_402_560)), (64, 188_416, (112_974_592, 106_891_520))],
)
def test_taaf(pixels: int, neurons: int, synapses: tuple[int, int]) -> None:
    """Shortcuts that change sizes end in neurons, so that what is added are spikes: the totals leave these neurons out."""
    counts, shortcuts = taaf_network(pixels), facts.SHORTCUTS[pixels]
    assert counts.phases == 1
    for modality, expected in zip(("video", "audio"), synapses, strict=True):
        for row in facts.taaf(pixels, modality):
            layer = of(counts, row.paths)
            assert layer["neurons"] == row.neurons + shortcuts.get(row.title, 0), row.title
            assert layer["synapses"] + layer["host"] == row.synapses, row.title
            assert added(layer, "max-pool=or") == row.added, row.title
        branch = of(counts, rf"{modality}\..*")
        assert branch["neurons"] - sum(shortcuts.values()) == neurons
        assert branch["synapses"] + branch["host"] == expected


PRINTED = {
    96: [("9.4", "100.7"), ("9.4", "12.6"), ("9.4", "1.6"), ("28.3", "114.8"), ("20.4", "")],
    192: [("37.7", "201.3"), ("37.7", "25.2"), ("37.7", "3.1"), ("113.2", "229.6"), ("78.6", "")],
}
"""The paper's table 5 in millions: a row per stage, all of them, CMQKA twice and SSA once; sums of exact numbers."""


@slow
@pytest.mark.parametrize("width", PRINTED)
def test_table_5_of_snnergy_s_paper(width: int) -> None:
    """N and D of the graph give the paper's cells; beside its one projection and one product, what the graph has."""
    found = stages(snnergy_network(width))
    assert [(stage.tokens, stage.width) for stage in found] == [(1024, width), (256, 2 * width), (64, 4 * width)]
    assert [cells[1:] for cells in printed([stage.size for stage in found])] == PRINTED[width]
    for stage in found[:2]:
        assert stage.projections + stage.between == stage.size.cmqka
    assert found[2].projections + found[2].between == found[2].size.ssa


def test_page_of_rows() -> None:
    """Numbers of the graph, refusals, silent layers, and the paper's table from N and D."""
    sizes = [[1024, 192, 151, 2], [256, 384, 151, 1], [64, 768, 151, 6]]
    counted = {"neurons": 4321, "attention=graded-a neurons": 5, "attention=graded-a synapses": 15}
    row = Row("SNNergy 192", "python -m compile net.py", 7, 6, 3, counted, sizes, kept=3, lost=1, silent=["video.lif"])
    text = page([row, replace(row, refused="`quantize.maximum` here: too much")], {"cores": "2"}, "2026-11-29")
    assert "| SNNergy 192 | 7 | 6 | 3 | 4,321 |  |  |  |  |  | 5 / 15 |  |" in text
    assert "| 75% | video.lif |" in text
    assert "| SNNergy 192 | `quantize.maximum` here: too much |" in text
    assert "| 1 | 1,024 | 192 | 37.7 | 201.3 |" in text
    assert "| all |  |  | 113.2 | 229.6 |" in text
    assert "| 3 | SSA | 0.00 | 0.00 | 151.19 | 157.29 | 160.43 |" in text
