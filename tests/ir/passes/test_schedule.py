"""The pass notes the schedule of the chip's graph as it is then, and changes no graph."""

from __future__ import annotations

import hw_profiles
from ir.analysis.schedule import schedule
from ir.deployment import Context, Deployment
from ir.graph import GraphBuilder
from ir.ops import Input, Lif, Synapse
from ir.passes.schedule import apply


def test_the_schedule_is_that_of_the_chip():
    builder = GraphBuilder("net", 1)
    x = builder.add(Input("spike[3]"), name="x")
    a = builder.add(Lif(0.5), builder.add(Synapse(), x, name="first"), name="a")
    both = [builder.add(Synapse(), source, name=name) for source, name in ((a, "second"), (x, "shortcut"))]
    before = Deployment.of(builder.build({"b": builder.add(Lif(0.5), *both, name="b")}))
    after = apply(before, Context(hw_profiles.load("loihi2")))
    assert before.schedule is None
    assert after.schedule == schedule(before.chip)
    assert dict(after.schedule.depth) == {"x": 0, "a": 1, "b": 2}
    assert after.schedule.delays["x", "b"] == 1
    assert (after.chip, after.prologue, after.epilogue) == (before.chip, before.prologue, before.epilogue)
