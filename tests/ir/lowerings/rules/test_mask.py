"""Products of spikes are ANDs, one per element and pair of populations; comb attention is ORs and ANDs."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import Add, Input, Lif, Mul, Permute, Reshape, Sum
from ir.passes.lower_to_synapses import lower_to_synapses

lengths = st.integers(1, 4)


@given(
    combs=lengths, each=lengths, width=lengths, steps=lengths, rate=st.sampled_from([0.3, 1.1]), seed=st.integers(0, 99)
)
def test_comb_attention(cmsf: SimpleNamespace, combs: int, each: int, width: int, steps: int, rate: float, seed: int):
    source = _comb(combs, each, width, steps)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed, rate=rate), ["mask", "masked", "y"])
    tokens = combs * each
    assert cmsf.added_by(lowered, "mask=and") == (tokens * width, 2 * tokens * width)


def _comb(combs: int, each: int, width: int, steps: int) -> Graph:
    """SCCA's mask: the OR over a comb's tokens, ANDed with its keys, tokens interleaved as published."""
    builder = GraphBuilder("comb", steps)
    q = builder.add(Input(f"spike[{combs * each}x{width}]"), name="q")
    k = builder.add(Input(f"spike[{combs * each}x{width}]"), name="k")
    q = builder.add(Reshape((combs, each, width)), q, name="q_combs")
    k = builder.add(Reshape((combs, each, width)), k, name="k_combs")
    mask = builder.add(Lif(0.5, threshold=0.5), builder.add(Sum((1,)), q, name="sum"), name="mask")
    masked = builder.add(Mul(), mask, k, name="masked", provenance=Provenance("attn"))
    mixed = builder.add(Permute((1, 0, 2)), masked, name="interleave")
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), mixed, name="y"), "masked": masked})


def test_every_pair_of_populations_meets(cmsf: SimpleNamespace):
    """(a + b)(a + c) = a a + a c + b a + b c, and the sum of the four ANDs goes on."""
    builder = GraphBuilder("pairs", 3)
    a, b, c = (builder.add(Input("spike[5]"), name=name) for name in "abc")
    left, right = builder.add(Add(), a, b, name="left"), builder.add(Add(), a, c, name="right")
    product = builder.add(Mul(), left, right, name="product")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=1.5), product, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=30))
    assert cmsf.added_by(lowered, "mask=and") == (4 * 5, 4 * 10)


def test_a_vector_masks_a_matrix(cmsf: SimpleNamespace):
    builder = GraphBuilder("broadcast", 2)
    a, b = builder.add(Input("spike[3]"), name="a"), builder.add(Input("spike[2x4x3]"), name="b")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), builder.add(Mul(), a, b, name="m"), name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1), ["m"])
