"""
The single neuron of the NIR paper on its eleven platforms, Loihi 2 among them: every one's recorded spikes, step by step.

Facts from https://github.com/neuromorphs/NIR (paper/01_lif, BSD 3): the numbers in `lif_norse.nir` and `lif_rockpool.nir`, when the
input spikes, and when each platform's neuron did. The readings are what each platform says that it computes.
"""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model

STEPS = 1000
INPUT = [60, 220, 270, 310, 320, 350, 370, 400, 410, *range(430, 531, 10), *range(670, 781, 10), 840, 850]
EXACT, LATE, MORE = [460, 510, 710, 760], [461, 511, 711, 761], [450, 500, 710, 760]

PLATFORMS: dict[str, tuple[str, float, str, list[int]]] = {
    "exact solution": ("norse", 1, "integrator=exponential,reset=subtract", EXACT),
    "lava, float": ("norse", 1, "lava", LATE),
    "lava, fixed point": ("norse", 1, "lava", LATE),
    "lava, Loihi 2": ("norse", 1, "lava", LATE),
    "nengo": ("norse", 1, "integrator=exponential", EXACT),
    "norse": ("norse", 1, "norse", EXACT),
    "rockpool": ("rockpool", 1, "rockpool", MORE),
    "sinabs": ("norse", 0.04, "sinabs-sum,time_unit=s", MORE),
    "snntorch": ("norse", 1, "snntorch-zero-now", EXACT),
    "spinnaker2": ("norse", 1, "canonical", EXACT),
    "spyx": ("norse", 1, "canonical,latency=1", LATE),
}
"""Platform -> whose file, the size of an input spike, how the platform reads it, when its neuron fired."""


def network(file: str) -> nir.NIRGraph:
    """The file's network; both have one synapse and one LIF of tau = 2.5 ms and threshold 0.1."""
    weight, r = {"norse": (1.0, 1.0), "rockpool": (0.04, 24.019737)}[file]
    one = lambda value: np.array([value], np.float32)
    nodes: dict[str, Any] = {
        "input": nir.Input({"input": np.array([1])}),
        "0": nir.Affine(one(weight)[None], one(0)),
        "1": nir.LIF(tau=one(0.0025), r=one(r), v_leak=one(0), v_threshold=one(0.1), v_reset=one(0)),
        "output": nir.Output({"output": np.array([1])}),
    }
    return nir.NIRGraph(nodes, [("input", "0"), ("0", "1"), ("1", "output")])


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_reading_of_a_platform_gives_its_recorded_spikes(platform: str) -> None:
    file, size, semantics, wanted = PLATFORMS[platform]
    precisions = ["int", "float"] if "fixed" in platform or "Loihi" in platform else ["float"]
    inputs = np.zeros((STEPS, 1, 1), np.float32)
    inputs[INPUT] = size
    for precision in precisions:
        program = compile_model(
            network(file), target="gpu", precision=precision, dt=1e-4, semantics=semantics, example=inputs
        )
        assert np.flatnonzero(program.run(inputs).outputs["output"]).tolist() == wanted
