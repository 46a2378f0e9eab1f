"""A batch is named by its network and inputs, and runs anywhere as it does here."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from compile.command.progress import Progress
from compile.evaluation import batch as batch_module
from compile.evaluation.batch import Network, batch_key, network_of, run_batch
from compile.evaluation.result_cache import unpack
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from frontend.recording.axis_order import AxisOrder

SAMPLES = {"x": np.random.default_rng(0).integers(0, 2, (2, 5, 6)).astype(np.float32)}


@pytest.fixture
def build(tiny: Path) -> Build:
    options = Options(target="gpu", profile="loihi2")
    source = load_source(tiny, options)
    return build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True))


@pytest.fixture
def network(build: Build) -> Network:
    return network_of(build)


def test_a_network_is_its_deployment_without_what_passes_noted(build: Build, network: Network):
    assert (network.name, network.profile.name) == ("network", "loihi2")
    (phase,) = network.phases
    assert phase.chip == build.deployment.chip
    assert (phase.schedule, phase.floating) == (None, None)


def test_the_order_of_axes_belongs_to_what_results_depend_on(network: Network):
    other = replace(network, order=AxisOrder(batch_first=True))
    assert other.digest != network.digest
    assert pickle.loads(pickle.dumps(other)).program.order == other.order


def test_it_travels_without_its_engine_and_computes_the_same(network: Network):
    here = unpack(batch_key(network, SAMPLES), run_batch(network, SAMPLES))
    assert here is not None
    travelled = pickle.loads(pickle.dumps(network))
    assert "program" not in vars(travelled)
    there = unpack(batch_key(network, SAMPLES), run_batch(travelled, SAMPLES))
    assert there is not None
    assert there.events == here.events
    assert here.events.spikes["x"] == SAMPLES["x"].sum()
    ((name, outputs),) = here.outputs.items()
    assert outputs.shape == (2, 5, 3)
    assert np.array_equal(there.outputs[name], outputs)


def test_a_batch_is_computed_in_one_thread(network: Network):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        run_batch(network, SAMPLES)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_key_is_the_same_for_the_same_and_another_for_anything_else(network: Network, tiny: Path, monkeypatch):
    key = batch_key(network, SAMPLES)
    assert batch_key(pickle.loads(pickle.dumps(network)), {"x": np.asfortranarray(SAMPLES["x"])}) == key
    flipped = SAMPLES["x"].copy()
    flipped[1, 4, 5] = 1 - flipped[1, 4, 5]
    tiny.write_text(tiny.read_text().replace("fc2.weight.mul_(6)", "fc2.weight.mul_(7)"))
    options = Options(target="gpu", profile="loihi2")
    source = load_source(tiny, options)
    other = network_of(build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True)))
    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "code_digest", lambda: b"another version")
        elsewhere = batch_key(network, SAMPLES)
    keys = [
        key,
        elsewhere,
        batch_key(network, {"x": flipped}),
        batch_key(network, {"y": SAMPLES["x"]}),
        batch_key(network, {"x": SAMPLES["x"].astype(np.float64)}),
        batch_key(network, {"x": SAMPLES["x"].reshape(2, 6, 5)}),
        batch_key(other, SAMPLES),
    ]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 32 for key in keys)
