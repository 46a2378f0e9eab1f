"""One part from the user's module to a program, or an error that says where it cannot go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compile.command.progress import Progress
from compile.stages.build import Build, build_part, deployment_text
from compile.stages.load import load_source
from compile.stages.options import Options
from ir.pipeline.pipeline import PIPELINE
from ir.text import graph_text

GPU = ["--target", "gpu", "--samples", "2"]


@pytest.mark.slow
def test_a_chip_without_graded_spikes_refuses_the_analog_gate(fails, tmp_path: Path):
    argv = ["models/cmsf.py", *GPU, "--part", "image", "--profile", "loihi1", "--out", str(tmp_path / "out")]
    text = fails(argv, 3, "mlp")
    assert "hint" in text
    assert not (tmp_path / "out").exists()


def test_a_module_that_cannot_be_traced_names_its_path(fails, tiny: Path):
    tiny.write_text(tiny.read_text().replace("self.lif1(self.fc1(x))", "self.lif1(torch.cummax(self.fc1(x), -1)[0])"))
    fails([str(tiny), *GPU], 2, "cummax")


def built(path: Path, **flags: Any) -> Build:
    options = Options(target="gpu", **flags)
    source = load_source(path, options)
    return build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True))


def test_a_build_has_the_texts_of_every_pass_in_order(tiny: Path):
    build = built(tiny)
    assert list(build.texts) == ["import", *(step.name for step in PIPELINE)]
    assert build.texts["import"] == graph_text(build.source)
    assert build.texts["insert_relays"] == deployment_text(build.deployment)
    assert "schedule latency=" in build.texts["schedule"]
    assert "schedule latency=" not in build.texts["quantize"]


def test_the_import_was_checked_and_the_floats_are_kept(tiny: Path):
    build = built(tiny)
    assert build.imported is not None
    assert build.imported.samples == 256
    assert build.program.deployment.chip.is_integer
    assert not build.floating.deployment.chip.is_integer
    assert build.floating.target == "gpu"
    x = np.random.default_rng(0).integers(0, 2, (2, 5, 6)).astype(np.float32)
    exact = built(tiny, precision="float")
    assert not exact.program.deployment.chip.is_integer
    assert np.array_equal(*(next(iter(p.run(x).outputs.values())) for p in (exact.program, build.floating)))


def test_source_inputs_are_what_the_source_network_takes(tiny: Path):
    build = built(tiny)
    (x,) = build.source_inputs({"x": np.ones((2, 5, 6))}).values()
    assert (x.dtype, tuple(x.shape)) == (torch.float32, (2, 5, 6))


def test_a_module_without_neurons_is_no_spiking_network(fails, tiny: Path):
    tiny.write_text(
        tiny.read_text().replace("return self.lif2(self.fc2(self.lif1(self.fc1(x))))", "return self.fc1(x)")
    )
    fails([str(tiny), *GPU], 2, "build.neurons", "no spiking neurons")
