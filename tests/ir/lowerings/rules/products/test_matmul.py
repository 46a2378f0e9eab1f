"""Matrix products outside attention: pairs by AND or by gates, then sums."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import DeployError
from ir.graph import GraphBuilder
from ir.ops import Add, Input, Lif, Linear, MatMul
from ir.passes.lower_to_synapses import lower_to_synapses

lengths = st.integers(1, 4)


@given(heads=lengths, n=lengths, c=lengths, m=lengths, steps=lengths, rate=st.sampled_from([0.5, 1.1]), seed=lengths)
def test_two_spike_matrices(
    cmsf: SimpleNamespace, heads: int, n: int, c: int, m: int, steps: int, rate: float, seed: int
):
    builder = GraphBuilder("product", steps)
    a, b = (
        builder.add(Input(f"spike[{heads}x{n}x{c}]"), name="a"),
        builder.add(Input(f"spike[{heads}x{c}x{m}]"), name="b"),
    )
    product = builder.add(MatMul(), a, b, name="p")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=c / 2), product, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed, rate=rate))
    assert cmsf.added_by(lowered, "matmul=and") == (heads * n * c * m, 3 * heads * n * c * m)


@pytest.mark.parametrize("analog_first", [True, False])
def test_a_current_times_spikes_is_relayed(cmsf: SimpleNamespace, analog_first: bool):
    builder = GraphBuilder("analog", 3)
    x, s = builder.add(Input("spike[4x4]"), name="x"), builder.add(Input("spike[4x4]"), name="s")
    random = np.random.default_rng(0)
    params = {"weight": builder.param("w", (random.integers(-4, 5, (4, 4)) / 4).astype(np.float32))}
    params["bias"] = builder.param("b", np.array([0.5, 0, -0.5, 1], np.float32))
    current = builder.add(Linear(), x, name="linear", params=params)
    sides = (current, s) if analog_first else (s, current)
    product = builder.add(MatMul(), *sides, name="p")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.25), product, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 5, samples=20))
    assert cmsf.added_by(lowered, "analog-matmul=graded") == (4 * 4 + 4**3, 3 * 4**3)
    with pytest.raises(DeployError, match="analog-matmul"):
        lower_to_synapses(source, cmsf.LOIHI1, {})


def test_scores_that_are_read_twice_are_built_as_the_model_has_them(cmsf: SimpleNamespace):
    """Not an attention alone: the scores go to neurons of their own too."""
    builder = GraphBuilder("twice", 2)
    q, kt, v = (builder.add(Input("spike[3x3]"), name=name) for name in ("q", "kt", "v"))
    scores = builder.add(MatMul(), q, kt, name="scores")
    first = builder.add(Lif(0.5), scores, name="s")
    mixed = builder.add(MatMul(), scores, v, name="mixed")
    outputs = {
        "scores": first,
        "mixed": builder.add(Lif(0.5, threshold=2), mixed, name="y"),
    }
    source = builder.build(outputs)
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 2, samples=20))


def test_scores_times_analog_values_are_refused(cmsf: SimpleNamespace):
    builder = GraphBuilder("values", 1)
    q, kt, x = (builder.add(Input("spike[2x2]"), name=name) for name in ("q", "kt", "x"))
    weight = {"weight": builder.param("w", np.eye(2, dtype=np.float32))}
    values = builder.add(Linear(), x, name="values", params=weight)
    mixed = builder.add(MatMul(), builder.add(MatMul(), q, kt, name="scores"), values, name="mixed")
    source = builder.build({"y": builder.add(Lif(0.5), mixed, name="y")})
    with pytest.raises(DeployError, match="%mixed: multiplies two analog matrices"):
        lower_to_synapses(source, cmsf.LOIHI2, {})


def test_sums_of_populations_multiply_pair_by_pair(cmsf: SimpleNamespace):
    builder = GraphBuilder("counts", 2)
    a, b, c = (builder.add(Input("spike[3x3]"), name=name) for name in "abc")
    product = builder.add(MatMul(), builder.add(Add(), a, b, name="ab"), c, name="p")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=1.5), product, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 2, samples=20))
    assert cmsf.added_by(lowered, "count-matmul=and") == (2 * 27, 3 * 2 * 27)


def test_two_analog_matrices_are_refused(cmsf: SimpleNamespace):
    builder = GraphBuilder("analog", 1)
    x = builder.add(Input("spike[2x2]"), name="x")
    weight = {"weight": builder.param("w", np.eye(2, dtype=np.float32))}
    current = builder.add(Linear(), x, name="linear", params=weight)
    source = builder.build({"y": builder.add(Lif(0.5), builder.add(MatMul(), current, current, name="m"), name="y")})
    with pytest.raises(DeployError, match="multiplies two analog matrices"):
        lower_to_synapses(source, cmsf.LOIHI2, {})
