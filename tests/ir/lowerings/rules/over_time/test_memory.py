"""Back edges of currents are taken by graded neurons, whose name is free whatever the model's nodes are called."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.graph import GraphBuilder
from ir.ops import Add, Input, Lif, Linear, Past
from ir.passes.lower_to_synapses import lower_to_synapses


@pytest.mark.parametrize("name", ["s", "b_looped", "b_looped_looped"])
def test_a_model_may_use_the_name_of_the_neurons_that_close_a_loop(cmsf: SimpleNamespace, name: str):
    builder = GraphBuilder("net", 4)
    x, back = builder.add(Input("spike[3]"), name="x"), builder.add(Past("b", "current[3]"), name="back")
    s = builder.add(Lif(0.5, threshold=0.5), builder.add(Add(), x, back, name="total"), name=name)
    weight = np.array([[1, -1, 0], [0.5, 0, 1], [0, 0.25, -0.5]], np.float32)
    params = {"weight": builder.param("w", weight), "bias": builder.param("b", np.array([0.5, 0, -0.25], np.float32))}
    b = builder.add(Linear(), s, name="b", params=params)
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), b, name="y"), "s": s})
    lowered = lower_to_synapses(source, cmsf.LOIHI2, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1), [name, "y"])
