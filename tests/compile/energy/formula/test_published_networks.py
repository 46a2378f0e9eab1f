"""The energy of the audio-visual and image-text networks, small: causes add up, and the twin has the operations of a forward."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from compile import compile_model
from compile.compiled_program import CompiledProgram
from compile.energy import PUBLISHED_TABLES, EnergyReport, dense_twin_pj
from frontend.tracing.trace import trace_module
from hw_profiles import load
from models import cmsf, snnergy, spikeclip, taaf
from models.networks.spikeclip.scratch_clip import ScratchImageEncoder

pytestmark = pytest.mark.slow
CASES = [(cmsf, "image"), (cmsf, "text"), (snnergy, None), (taaf, None), (spikeclip, "image"), (spikeclip, "text")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0].__name__}-{case[1]}")
def compiled(request: pytest.FixtureRequest) -> CompiledProgram:
    """Calibrated on few samples: the sums hold for any scales."""
    module, part = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compile.stages.load.CALIBRATION_SAMPLES", 8)
        return compile_model(module.__file__, target="gpu", part=part)


@pytest.fixture(scope="module")
def energy(compiled: CompiledProgram) -> EnergyReport:
    (part,) = compiled.report().parts
    assert part.energy is not None
    return part.energy


def test_causes_add_up_to_the_last_digit(energy: EnergyReport):
    assert energy.formula_pj + sum(energy.causes.values(), Fraction(0)) == energy.counted_pj
    for layer in energy.layers:
        assert layer.formula_pj + sum(layer.causes.values(), Fraction(0)) == layer.counted_pj, layer.module


def test_the_paper_s_rows_and_their_causes_add_up(energy: EnergyReport):
    assert energy.published in [table.source for table in PUBLISHED_TABLES.values()]
    assert sum((row.energy_pj for row in energy.table), Fraction(0)) == energy.published_pj
    assert energy.formula_pj + sum(energy.table_causes.values(), Fraction(0)) == energy.published_pj


def test_the_twin_multiplies_as_often_as_a_forward(compiled: CompiledProgram, energy: EnergyReport):
    assert compiled.origin is not None
    source, part = compiled.origin.source, compiled.origin.build.part
    steps = compiled.origin.build.source.steps
    inputs = {name: x[:1] if name in source.static else x[:, :1] for name, x in part.example.items()}
    with torch.no_grad(), Operations(steps) as counted:
        part.network(**inputs)
    assert energy.dense_twin_pj == Fraction(46, 10) * counted.total


class Operations(TorchFunctionMode):
    """Multiplications in a step of one sample: of what has a time axis one step is counted, and taps on padding are none."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.total = steps, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result, name = func(*args, **(kwargs or {})), getattr(func, "__name__", "")
        if name in ("conv1d", "conv2d"):
            x, weight, _, *rest = args
            ones = func(torch.ones_like(x[:1]), torch.ones_like(weight), None, *rest, **(kwargs or {}))
            along_time = name == "conv1d" and result.shape[0] != self.steps  # (B, C, T)
            self.total += int(ones.sum()) // (self.steps if along_time else 1)
        elif name in ("matmul", "__matmul__"):
            self.total += result.numel() * args[0].shape[-1] // self.steps
        elif name == "linear":
            taken = result.numel() * args[0].shape[-1]
            self.total += taken // (self.steps if result.shape[0] == self.steps else 1)
        return result


def test_spikeclip_s_twin_has_the_multiplications_of_scratchclip():
    """The published twin: a stem of the same convolutions, every weight of its blocks once per token, attention, read-out."""
    config = spikeclip.CONFIGS["emoji-styles"]
    images = spikeclip.example("emoji-styles", 1, 0)["image"]
    graph = trace_module(spikeclip.build("emoji-styles")["image"], images, [*images], config.T, "image")
    twin = ScratchImageEncoder(replace(config, neurons="none")).eval()
    with torch.no_grad(), Operations(1) as stem:
        tokens = prod(twin.embeddings(images["images"].unsqueeze(0)).shape[-2:])
    weights = sum(p.numel() for p in twin.encoder.parameters() if p.dim() == 2)
    attention = config.depth * 2 * tokens**2 * config.D
    operations = stem.total + tokens * weights + attention + config.D * config.E
    assert sum(dense_twin_pj(graph, load("45nm")).values(), Fraction(0)) == Fraction(46, 10) * operations
