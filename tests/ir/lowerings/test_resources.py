"""
The published size, counted: every total must equal what the published networks' own arithmetic gives.

N = L = 36 tokens, D = 1024, 8 heads, 6 combs, F = 4096.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ir.analysis.resources import ResourceTotals, node_resources, resource_totals
from ir.graph import Graph
from ir.lowerings.lowering import PASS
from ir.pipeline.pipeline import lower
from ir.profile import CostWeights

N, L, D, COMBS, F = 36, 36, 1024, 6, 4096


@pytest.fixture(scope="module")
def encoder(cmsf: SimpleNamespace) -> Graph:
    """The encoder's chip part with strategies chosen by cost."""
    return _lowered(cmsf, cmsf.Tracer(cmsf.PAPER, seed=None).encoder())


def _lowered(cmsf: SimpleNamespace, source: Graph, **strategies: str) -> Graph:
    return lower(source, SimpleNamespace(features=cmsf.LOIHI2, cost=CostWeights()), strategies).chip


def _totals(chip: Graph) -> ResourceTotals:
    return resource_totals(node_resources(chip))


def test_encoder(encoder: Graph):
    counted = _totals(encoder)
    assert counted.neurons["own"] == 405_504
    assert counted.published_synapses == 908_623_872
    assert counted.published_synapses - counted.synapses["duplicate"] == counted.dense_operations == 606_633_984
    assert counted.synapses["duplicate"] == 301_989_888
    assert counted.neurons["added"] == 2_812_032
    assert counted.synapses["added"] == 8_110_080
    assert counted.matmul == 2 * N * N * D == 2_654_208
    assert counted.synapses["input"] == N * D


@pytest.mark.parametrize(
    ("strategy", "neurons", "synapses"),
    [
        ("graded-a", 2_664_576, 7_962_624),
        ("graded-b", 9_568_256, 28_311_552),
        ("time-coded", 2_664_576, 7_962_624),
    ],
)
def test_attention(cmsf: SimpleNamespace, strategy: str, neurons: int, synapses: int):
    chip = _lowered(cmsf, cmsf.Tracer(cmsf.PAPER, seed=None).encoder(), attention=strategy)
    assert _made_by(chip, f"attention={strategy}") == (neurons, synapses)


def test_attention_over_the_tokens_of_both_modalities(cmsf: SimpleNamespace):
    both = replace(cmsf.PAPER, queries=N + L, keys=N + L)
    chip = _lowered(cmsf, cmsf.Tracer(both, seed=None).encoder())
    assert _made_by(chip, "attention=graded-a") == (10_658_304, 31_850_496)


def test_analog_gate(encoder: Graph):
    assert _made_by(encoder, "gate=graded") == (N * F, N * F) == (147_456, 147_456)


def test_spiking_gate(cmsf: SimpleNamespace):
    chip = _lowered(cmsf, cmsf.Tracer(cmsf.PAPER, seed=None).encoder(gate="spike"))
    assert _made_by(chip, "mask=and") == (N * F, 2 * N * F) == (147_456, 294_912)
    assert _totals(chip).neurons["own"] == 405_504 + 147_456


def test_comb_attention(cmsf: SimpleNamespace):
    chip = _lowered(cmsf, cmsf.Tracer(cmsf.PAPER, seed=None).comb_direction())
    counted = _totals(chip)
    assert counted.neurons["own"] == 374_784
    assert counted.published_synapses == 868_257_792
    assert counted.dense_operations == 566_267_904
    assert (counted.neurons["added"], counted.synapses["added"]) == (184_320, 221_184)
    ors = _counts(chip, lambda name: name in ("sum", "attn_lif"))
    ands = _made_by(chip, "mask=and")
    assert ors == (COMBS * D, L * D) == (6_144, 36_864)
    assert ands == (L * D, 2 * L * D) == (36_864, 73_728)
    assert (ors[0] + ands[0], ors[1] + ands[1]) == (43_008, 110_592)


def test_published_size_lowers_fast(cmsf: SimpleNamespace):
    source = cmsf.Tracer(cmsf.PAPER, seed=None).encoder()
    started = time.process_time()
    _lowered(cmsf, source)
    assert time.process_time() - started < 5


def test_every_share_is_told_apart(encoder: Graph):
    shares = Counter(row.share for row in node_resources(encoder))
    assert shares == {"own": 15, "duplicate": 2, "input": 1, "added": 11}
    assert all(
        PASS not in encoder.nodes[row.node].provenance.passes for row in node_resources(encoder) if row.share == "own"
    )


def _made_by(chip: Graph, strategy: str) -> tuple[int, int]:
    """Neurons and synapses that a lowering added."""
    return _counts(chip, lambda name: strategy in chip.nodes[name].provenance.passes)


def _counts(chip: Graph, chosen: Callable[[str], bool]) -> tuple[int, int]:
    rows = [row for row in node_resources(chip) if chosen(row.node)]
    return sum(row.neurons for row in rows), sum(row.synapses for row in rows)
