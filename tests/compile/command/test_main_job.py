"""The main job: the trained CMSF on real digits through Lava, every population, every step, every sample."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import pytest

from compile.driver import compile_network
from compile.stages.options import Options


@pytest.mark.lava
def test_cmsf_digits_in_lava_equals_the_reference_and_keeps_the_task():
    report = compile_network("models/cmsf.py", Options(target="loihi"))
    assert [part.build.part.name for part in report.parts] == ["image", "text", "fusion"]
    for part in report.parts:
        chip = part.build.program.deployment.chip
        populations = {node.name for node in chip.nodes.values() if node.op.family == "neuron"}
        assert part.run.verdict.populations == len(populations)
        assert all(part.run.events.spikes[name] > 0 for name in populations)
        assert part.run.events.samples >= 16
        assert (part.run.verdict.differing, part.run.verdict.events_equal) == (0, True)
        assert part.build.imported is not None
        assert part.build.imported.samples == 256
    source, compiled = (report.metrics.values[kind]["R@Sum"] for kind in ("source", "compiled"))
    assert source > 300
    assert compiled >= 0.99 * source


@pytest.mark.slow
@pytest.mark.lava
def test_loihi1_codes_attention_in_time_and_the_comb_is_plain_nir(tmp_path: Path):
    options = Options(target="loihi", config="digits-spike", profile="loihi1", samples=4, out=tmp_path / "out")
    report = compile_network("models/cmsf.py", options)
    assert report.passed
    (lowered,) = (tmp_path / "out" / "image" / "ir").glob("*_lower_to_synapses.txt")
    assert "attention=time-coded" in lowered.read_text()
    assert "dense matrices would hold" in (tmp_path / "out" / "image" / "lowered.txt").read_text()
    plain = nir.read(str(tmp_path / "out" / "fusion" / "lowered.nir"))
    kinds = {type(node).__name__ for node in plain.nodes.values()}
    assert kinds <= {"Input", "Output", "Linear", "Affine", "LIF", "IF", "Threshold", "Scale"}
    content = json.loads((tmp_path / "out" / "report.json").read_text())
    assert content["passed"]
