"""What a part takes on the chip, with times so simple that it can be said by hand."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.cli import main
from compile.measure.timing import ChipTime, per_second, range_text, timing
from compile.stages.phase import latency_steps
from compile.stages.program import Program
from ir.mapping.core_map import UNMAPPED
from ir.mapping.timing.sample_time import Estimate
from tests.compile.stages.test_phase import Mean, four_spikes

ONE_NS = '{ value = 1, high = 2, unit = "ns", kind = "assumed", source = "a test" }'


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """A chip without limits, where an update and an event take 1 ns, and nothing else takes any time."""
    text = f'title = "t"\nextends = "ideal"\n[timing]\nneuron_update = {ONE_NS}\nsynaptic_event = {ONE_NS}\n'
    (tmp_path / "one_ns.toml").write_text(text)
    return str(tmp_path / "one_ns.toml")


def timed(program: Program, inputs: Any, probes: tuple[str, ...]) -> ChipTime:
    found = timing(program, program.run(inputs, probes))
    assert found is not None
    return found


def two_layers(profile: str) -> tuple[Program, torch.Tensor]:
    """Three neurons that fire in the first of two steps, and one that reads them."""
    first, second = nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False)
    for each in (first, second):
        nn.init.ones_(each.weight)
    net = nn.Sequential(first, neuron.IFNode(step_mode="m"), second, neuron.IFNode(step_mode="m"))
    x = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).reshape(2, 1, 2)
    return compile_model(net, "gpu", profile=profile, example=x), x


def test_two_layers_alone_and_in_a_stream(profile: str):
    program, x = two_layers(profile)
    found = timed(program, x, program.populations)
    # Four neurons are updated at every step; events: 3 of the input in step 0, 3 of the first layer in step 1.
    assert (found.chip_steps, found.isolated_steps, found.samples, found.mean) == (2, 4, 1, False)
    assert found.times.isolated == Estimate(4 * 4, 4 * 4, 4 * 8)
    assert found.times.streaming == Estimate(2 * 4, 2 * 4, 2 * 8)
    assert found.populations == program.populations
    plain = found.plain()
    assert plain["streaming_per_s"] == {"value": 1.25e8, "low": 6.25e7, "high": 1.25e8}
    assert plain["core"]["populations"] == [*program.populations]
    hops = ["hop_east_west", "hop_north_south"]
    assert plain["left_out"] == ["spike", "axon_out", "axon_in", "link", *hops, "barrier_one", "barrier_all"]
    assert plain["waiting"] is None
    assert found.text().startswith("4 ns (4 to 8) per step, bound by neurons of core 0")


def test_what_was_not_recorded_counts_with_its_mean(profile: str):
    program, x = two_layers(profile)
    found = timed(program, x, ())
    assert found.mean
    assert "from mean activity" in found.text()
    x = x.repeat(1, 2, 1)
    whole = timed(program, x, program.populations)
    assert whole.samples == 2
    assert found.times.isolated == whole.times.isolated


@pytest.fixture
def buffered(profile: str, tmp_path: Path) -> str:
    """The chip with room for some messages that wait."""
    room = 'link_buffer = { value = 4, unit = "message", kind = "assumed", source = "a test" }'
    (tmp_path / "buffered.toml").write_text(f'title = "t"\nextends = "{profile}"\n[mesh]\n{room}\n')
    return str(tmp_path / "buffered.toml")


def test_messages_are_followed_of_as_many_samples_as_take_some_seconds(buffered: str, monkeypatch: pytest.MonkeyPatch):
    program, x = two_layers(buffered)
    x = x.repeat(1, 4, 1)  # four samples of four messages: of the input, and of the neurons that it makes fire
    for most, samples, waiting in ((16, 4, True), (9, 2, True), (4, 1, True), (3, 4, False)):
        monkeypatch.setattr("compile.measure.timing.MOST_MESSAGES", most)
        found = timed(program, x, program.populations)
        assert (found.samples, found.waiting, found.plain()["waiting"]) == (samples, waiting, waiting)
        assert ("without messages that wait" in found.text()) == (not waiting)
    assert timed(program, x, ()).waiting is False


def test_messages_on_a_map_of_too_many_routes_are_not_followed(buffered: str, monkeypatch: pytest.MonkeyPatch):
    program, x = two_layers(buffered)
    for most, waiting in ((2, True), (1, False)):  # from the inputs to the core, and from the core to itself
        monkeypatch.setattr("ir.mapping.timing.step_messages.MOST_BUFFERS", most)
        found = timed(program, x, program.populations)
        assert (found.waiting, "without messages that wait" in found.text()) == (waiting, not waiting)
        assert found.plain()["activity"] == "by step"


def test_what_cores_do_is_counted_of_all_samples_also_where_messages_of_some_are_followed(
    buffered: str, monkeypatch: pytest.MonkeyPatch
):
    program, x = two_layers(buffered)
    x = torch.cat([x, 0 * x, 0 * x, 0 * x], 1)
    monkeypatch.setattr("compile.measure.timing.MOST_MESSAGES", 1)
    found = timed(program, x, program.populations)
    assert (found.samples, found.waiting) == (1, True)
    # The first of four samples has 3 events of its input and 3 of the first layer, in one of two steps each.
    assert found.times.work.synaptic_event.sum() == 6 / (4 * 2)


def test_neurons_are_updated_in_every_step_of_every_phase(profile: str):
    program = compile_model(Mean(), "gpu", profile=profile, example=four_spikes())
    found = timed(program, four_spikes(), program.populations)
    chip = program.deployment.chip
    neurons = sum(node.op.neurons(node.type) for node in chip.nodes.values() if node.op.family == "neuron")
    assert len(program.phases) == 2
    steps = latency_steps(program.phases) + program.phases[-1].deployment.chip.steps
    assert found.isolated_steps == steps
    assert found.times.isolated.value >= steps * neurons


def test_what_the_host_feeds_to_a_later_phase_is_followed_message_by_message():
    program = compile_model(Mean(), "gpu", profile="loihi2", example=four_spikes())
    found = timed(program, four_spikes(), program.populations)
    assert len(program.phases) == 2
    assert (found.waiting, found.plain()["activity"]) == (True, "by step")
    fed = [node.name for node in program.deployment.chip.inputs]
    recorded = program.run(four_spikes(), (*program.populations, *fed))
    assert len(fed) == 3
    assert all((recorded.emissions[name] == recorded.fed[name]).all() for name in fed)
    by_probes = timing(program, replace(recorded, fed={}))
    assert by_probes is not None
    assert by_probes.plain() == found.plain()


def test_a_profile_without_times_and_a_network_without_cores_have_none(profile: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "backends.event_driven.message_loop", None)  # nothing is compiled for them
    program, x = two_layers("ideal")
    trace = program.run(x)
    assert timing(program, trace) is None
    program, x = two_layers(profile)
    assert timing(replace(program, cores=UNMAPPED), trace) is None


def test_a_network_in_which_nothing_happens_that_has_a_time_has_none(tmp_path: Path):
    (tmp_path / "p.toml").write_text(f'title = "t"\nextends = "ideal"\n[timing]\nspike = {ONE_NS}\n')
    program, x = two_layers(str(tmp_path / "p.toml"))
    assert timing(program, program.run(0 * x)) is None


def test_times_are_shown_in_the_unit_that_fits():
    assert range_text(Estimate(999, 999, 999)) == "999 ns"
    assert range_text(Estimate(1500, 800, 2500)) == "1.5 us (0.8 to 2.5)"
    assert range_text(Estimate(2e10, 2e10, 4e10)) == "20 s (20 to 40)"
    assert per_second(Estimate(2e6, 1e6, 4e6)) == Estimate(500, 250, 1000)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("loihi2", "estimated, with times of loihi1"), ("spinnaker2", "no times are published for profile spinnaker2")],
)
def test_the_report_says_whose_times_they_are(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, expected: str
):
    out = tmp_path / "out"
    assert main([str(tiny), "--target", "gpu", "--profile", name, "--samples", "2", "--out", str(out)]) == 0
    assert expected in " ".join(capsys.readouterr().out.split())
    (part,) = json.loads((out / "report.json").read_text())["parts"]
    assert (part["timing"] is None) == (name == "spinnaker2")
