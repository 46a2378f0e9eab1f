"""The published energy table of CMSF at the published size: every row's count and energy, and what it really is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from compile.energy import PUBLISHED_TABLES, Rate, dense_twin_pj, formula_rows, table_rows
from compile.energy.formula.arithmetic import ArithmeticWork
from compile.energy.formula.operations import operations
from hw_profiles import load
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Concat, Conv, Input, Lif, Linear, MatMul, Mul, Permute, Repeat, Reshape, Slice, Sum

N, D, F, HEADS, COMBS, STEPS = 36, 1024, 4096, 8, 6, 2
MJ = 10**9
"""pJ per mJ."""
PROFILE = load("45nm")
CMSF = PUBLISHED_TABLES["cmsf"]


class Cmsf:
    """Builds published-size pieces under the module paths of the model; weights are zeros of one byte."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("cmsf", STEPS)

    def add(self, op, *inputs: str, module: str, weight: tuple[int, int] | None = None) -> str:
        params = {"weight": self.builder.param(f"{module}.weight", np.zeros(weight, np.int8))} if weight else {}
        return self.builder.add(
            op, *inputs, name=module.replace(".", "_"), params=params, provenance=Provenance(module)
        )

    def fire(self, x: str, module: str, outputs: int, threshold: float = 1.0) -> str:
        width = self.builder.type(x).shape[-1]
        y = self.add(Linear(), x, module=f"{module}_linear", weight=(outputs, width))
        return self.add(Lif(decay=0.5, threshold=threshold), y, module=f"{module}_lif")

    def split_heads(self, x: str, module: str) -> str:
        tokens, width = self.builder.type(x).shape
        split = self.add(Reshape((tokens, HEADS, width // HEADS)), x, module=module)
        return self.add(Permute((1, 0, 2)), split, module=module)

    def attention(self, x: str, module: str) -> str:
        """Q (K^T V), as coded."""
        tokens = self.builder.type(x).shape[0]
        q, k, v = (self.split_heads(self.fire(x, f"{module}.{name}", D), module) for name in "qkv")
        pooled = self.add(MatMul(), self.add(Permute((0, 2, 1)), k, module=module), v, module=module)
        mixed = self.add(MatMul(), q, pooled, module=module)
        merged = self.add(Reshape((tokens, D)), self.add(Permute((1, 0, 2)), mixed, module=module), module=module)
        spikes = self.add(Lif(decay=0.5, threshold=0.5), merged, module=f"{module}.attn_lif")
        return self.fire(spikes, f"{module}.proj", D)

    def comb(self, x: str, y: str, module: str) -> str:
        q, k = (
            self.add(Reshape((COMBS, N // COMBS, D)), self.fire(a, f"{module}.{n}", D), module=module)
            for a, n in ((x, "q"), (y, "k"))
        )
        counts = self.add(Sum((1,)), q, module=module)
        mask = self.add(Lif(decay=0.5, threshold=0.5), counts, module=f"{module}.attn_lif")
        masked = self.add(Mul(), mask, k, module=module)
        return self.fire(self.add(Reshape((N, D)), masked, module=module), f"{module}.proj", D)

    def mlp(self, x: str, module: str, spike_gate: bool) -> str:
        hidden = self.add(Linear(), x, module=f"{module}.to_hidden_linear", weight=(2 * F, D))
        v, gate = (self.add(Slice(1, i * F, (i + 1) * F), hidden, module=module) for i in range(2))
        v = self.add(Lif(decay=0.5), v, module=f"{module}.to_hidden_v_lif")
        gate = self.add(Lif(decay=0.5), gate, module=f"{module}.to_hidden_gate_lif") if spike_gate else gate
        y = self.add(Linear(), self.add(Mul(), gate, v, module=module), module=f"{module}.to_out", weight=(D, F))
        return self.add(Lif(decay=0.5), y, module=f"{module}.to_lif")

    def encoder(self, linear: str, features: int, spike_gate: bool = False) -> Graph:
        x = self.add(Input(f"real[{N}x{features}] static"), module="")
        res = self.add(Linear(), x, module=linear, weight=(D, features))
        coder = self.add(Repeat(), res, module="spike_coder")
        x0 = self.add(Lif(decay=0.5), coder, module="spike_coder.lif")
        a = self.attention(x0, "block.0.attn")
        return self.builder.build({"y": self.mlp(a, "block.0.mlp", spike_gate)})

    def fusion(self, kind: str) -> Graph:
        r, e = (self.add(Input(f"spike[{N}x{D}]"), module="") for _ in range(2))
        both = self.add(Concat(0), r, e, module="")
        y = self.comb(r, e, "block_i.0.attn") if kind == "scca" else self.attention(both, "block.0.attn")
        return self.builder.build({"y": y})


def table(graph: Graph) -> dict[str, tuple[int, int, float]]:
    """Row name -> (published operations, real operations, mJ per sample at rate 1)."""
    rows = formula_rows(graph, always(graph), STEPS, CMSF)
    return {row.name: (row.flops, row.real_flops, float(row.energy_pj) / MJ) for row in table_rows(rows, CMSF, PROFILE)}


def always(graph: Graph) -> dict[str, Rate]:
    """Every value active all the time."""
    return {name: Rate(1, 1, 1) for operation in operations(graph) for name in operation.operands}


@pytest.fixture(scope="module")
def image() -> Graph:
    return Cmsf().encoder("linear", 2048)


def test_rows_of_the_image_encoder(image: Graph):
    rows = table(image)
    assert {name: row[:2] for name, row in rows.items()} == {
        "Region Linear": (75_497_472, 75_497_472),
        "Q, K, V": (113_246_208, 113_246_208),
        "SCA, SCSA": (37_748_736, 9_437_184),
        "Out Linear": (37_748_736, 37_748_736),
        "Gate Linear": (301_989_888, 301_989_888),
        "Gate Multiply": (0, 147_456),
        "not in the table: block.0.mlp.to_out": (0, 150_994_944),
    }
    assert {name: round(row[2], 4) for name, row in rows.items()} == {
        "Region Linear": 0.1359,
        "Q, K, V": 0.2038,
        "SCA, SCSA": 0.0679,
        "Out Linear": 0.0679,
        "Gate Linear": 0.5436,
        "Gate Multiply": 0.0,
        "not in the table: block.0.mlp.to_out": 0.0,
    }


def test_row_of_the_text_encoder():
    assert table(Cmsf().encoder("bert_linear", 768))["Word Linear"] == (
        28_311_552,
        28_311_552,
        pytest.approx(0.05096, abs=1e-5),
    )


def test_rows_of_the_fusions():
    flops, real, energy_mj = table(Cmsf().fusion("scsa"))["SCA, SCSA"]
    assert (flops, real, round(energy_mj, 4)) == (75_497_472, 18_874_368, 0.1359)
    flops, real, energy_mj = table(Cmsf().fusion("scca"))["SCCA"]
    assert (flops, real) == (36, 73_728)
    assert energy_mj == pytest.approx(6.48e-8, rel=1e-9)


def test_rows_that_differ_are_flagged(image: Graph):
    rows = table_rows(formula_rows(image, always(image), STEPS, CMSF), CMSF, PROFILE)
    differing = [row.name for row in rows if row.differs]
    assert differing == ["SCA, SCSA", "Gate Multiply", "not in the table: block.0.mlp.to_out"]


def test_the_generator_has_no_row():
    assert CMSF.row("spike_coder.linear", "linear") is None
    assert CMSF.row("image.linear", "linear") is not None
    assert CMSF.row("block.0.attn.q_bn", "linear") is None


def by_module(graph: Graph) -> dict[str, float]:
    """The formula without the table: mJ per sample at rate 1, by module."""
    rows = formula_rows(graph, always(graph), STEPS)
    return {row.module: float(row.charged.energy_pj(PROFILE)) / MJ for row in rows if row.kind == "linear"}


def test_the_formula_takes_analog_input_as_multiplications(image: Graph):
    formula = by_module(image)
    assert round(formula["linear"], 3) == 0.347, "once per sample, its input has no time"
    assert round(formula["block.0.mlp.to_out"], 3) == 1.389, "at every step, its input is gated payload"
    assert round(formula["block.0.attn.q_linear"], 4) == round(0.2038 / 3, 4)


def test_a_spiking_gate_makes_accumulations_of_them():
    formula = by_module(Cmsf().encoder("linear", 2048, spike_gate=True))
    assert round(formula["block.0.mlp.to_out"], 4) == 0.2718


def test_the_dense_twin_counts_every_product_once(image: Graph):
    cheapest_attention = 2 * N * N * D  # what the published total has; as coded it is Q (K^T V)
    linear_layers, as_coded, region = 606_633_984 - cheapest_attention, 9_437_184, 75_497_472
    expected = Fraction(46, 10) * (linear_layers + as_coded + region)
    assert sum(dense_twin_pj(image, PROFILE).values()) == expected


FORMULAS = [name for name in PUBLISHED_TABLES if name != "cmsf"]
FIRST = {"spikeclip": "patch_embed.block0_conv", "snnergy": "video.patch_embed1.proj_conv", "taaf": "audio.conv1"}


def encoder_of(first: str) -> Graph:
    """An image of 1 x 6 x 6 through 4 kernels of 3 x 3, neurons, 10 outputs: 36 x 9 x 4 taps with padding, 1,440 synapses."""
    b = GraphBuilder("small", 4)
    x = b.add(Input("real[1x6x6]"), name="x")
    kernel = {"weight": b.param("kernel", np.ones((4, 1, 3, 3), np.int8))}
    current = b.add(
        Conv(stride=(1, 1), padding=(1, 1), dilation=(1, 1)),
        x,
        name="first",
        params=kernel,
        provenance=Provenance(first),
    )
    spikes = b.add(Reshape((144,)), b.add(Lif(decay=0.5), current, name="lif"), name="flat")
    weight = {"weight": b.param("weight", np.ones((10, 144), np.int8))}
    return b.build({"y": b.add(Linear(), spikes, name="fc", params=weight, provenance=Provenance("other.conv1"))})


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_multiply_in_the_first_convolution_alone(name: str):
    graph, half = encoder_of(FIRST[name]), Rate(1, 1, 2)
    rates = {operand: half for operation in operations(graph) for operand in operation.operands}
    first, other = formula_rows(graph, rates, 4, PUBLISHED_TABLES[name])
    often = 1 if name == "spikeclip" else 4
    assert (first.flops, first.charged) == (1296, ArithmeticWork(multiplications=Fraction(often * 1296)))
    assert (other.flops, other.charged) == (1440, ArithmeticWork(Fraction(4 * 720)))


def test_embedded_words_are_multiplied_once():
    table = PUBLISHED_TABLES["spikeclip"]
    words, block = table.row("redim", "linear"), table.row("block.0.mlp.mlp1_conv", "linear")
    assert words is not None
    assert block is not None
    assert words.charge(4, Fraction(1, 2), 100) == (0, 100)
    assert block.charge(4, Fraction(1, 2), 100) == (200, 0)
