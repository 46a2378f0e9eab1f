"""Networks that exceed limits of a profile's cores: refused with every number on both targets, or run and told of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from backends.reference.target import GPU
from compile import compile_model
from compile.cli import main
from ir.errors import DeployError, Violation

NARROW = """
title = "cores that take eight axons"
extends = "{base}"
[limits]
axons_in_per_core = {{ value = 8, unit = "axon", kind = "assumed", source = "a test" }}
"""
MODEL = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 3


def build(config):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 6), neuron.LIFNode(step_mode="m"), nn.Linear(6, 3), neuron.LIFNode(step_mode="m"))
    with torch.no_grad():
        net[0].weight.mul_(5), net[2].weight.mul_(5)
    return net.eval()


def example(config, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    return {"input": (torch.rand(T, samples, 20, generator=generator) < 0.5).float()}
"""


def narrow(folder: Path, base: str) -> Path:
    (folder / f"{base}.toml").write_text(NARROW.format(base=base))
    return folder / f"{base}.toml"


@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=pytest.mark.lava)])
def test_a_neuron_of_4608_inputs_is_refused_where_axons_are_4096(target: str):
    """spikingjelly#543: nothing said that such a layer cannot be placed."""
    net = nn.Sequential(layer.Conv2d(512, 8, 3, bias=False, step_mode="m"), neuron.IFNode(step_mode="m")).eval()
    x = (torch.rand(2, 1, 512, 3, 3, generator=torch.Generator().manual_seed(0)) < 0.2).float()
    with pytest.raises(DeployError) as caught:
        compile_model(net, target=target, profile="loihi1", example=x)
    (violation,) = caught.value.violations
    assert (violation.rule, violation.number, violation.limit) == ("map.axons-in", 4608, 4096)
    assert "needs 4,608 input axons on one core, 1.12 times the limit 4,096" in str(caught.value)
    assert violation.where == "1 (quantize)"
    assert compile_model(net, target=target, example=x).deployment.chip.nodes


def test_every_limit_is_told_and_the_exit_code_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "net.py").write_text(MODEL)
    flags = ["--target", "gpu", "--profile", str(narrow(tmp_path, "loihi1")), "--out", str(tmp_path / "out")]
    assert main([str(tmp_path / "net.py"), *flags]) == 3
    error = capsys.readouterr().err
    assert error.count("error[map.axons-in]") == 1  # the next layer has 6
    assert "needs 20 input axons on one core, 2.5 times the limit 8" in error
    assert "hint    fewer inputs per neuron" in error
    assert not (tmp_path / "out").exists()
    assert main([str(tmp_path / "net.py"), *flags, "--fit", "warn"]) == 0
    assert "unfit    network: %1 needs 20 input axons on one core" in capsys.readouterr().out
    (part,) = json.loads((tmp_path / "out" / "report.json").read_text())["parts"]
    (misfit,) = part["chip"]["misfits"]
    assert (misfit["rule"], misfit["number"], misfit["limit"]) == ("map.axons-in", 20, 8)


def test_limits_of_the_profile_and_refusals_of_the_target_come_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "net.py").write_text(MODEL)
    own = Violation(rule="own.rule", what="not here", where="net", hint="")
    monkeypatch.setattr("backends.reference.target.GPU", replace(GPU, check=lambda chip, profile: [own]))
    profile = tmp_path / "narrow.toml"
    profile.write_text(NARROW.format(base="loihi1").replace("value = 8", "value = 5"))
    with pytest.raises(DeployError) as caught:
        compile_model(tmp_path / "net.py", target="gpu", profile=profile)
    assert [(each.rule, each.number) for each in caught.value.violations] == [
        ("own.rule", None),
        ("map.axons-in", 20),
        ("map.axons-in", 6),
    ]
    with pytest.raises(DeployError) as caught:
        compile_model(tmp_path / "net.py", target="gpu", profile=profile, fit="warn")
    assert caught.value.violations == (own,)


@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=pytest.mark.lava)])
def test_with_graded_spikes_its_sums_are_cut_and_stay_the_same(tmp_path: Path, target: str):
    (tmp_path / "net.py").write_text(MODEL)
    whole = compile_model(tmp_path / "net.py", target=target)
    cut = compile_model(tmp_path / "net.py", target=target, profile=narrow(tmp_path, "loihi2"))
    x = np.random.default_rng(0).integers(0, 2, (3, 9, 20))
    before, after = whole.run(x), cut.run(x)
    assert sum(spikes.sum() for spikes in before.spikes.values()) > 20
    assert all(np.array_equal(spikes, after.spikes[name]) for name, spikes in before.spikes.items())
    assert cut.report(x).passed
    (part,) = cut.report(x).parts
    assert (part.occupancy.relays, part.occupancy.misfits) == (18, ())
    assert part.energy is not None
    assert sum(part.energy.causes.values()) == part.energy.counted_pj - part.energy.formula_pj


def test_a_chip_without_limits_and_float_arithmetic_refuse_nothing(tmp_path: Path):
    (tmp_path / "net.py").write_text(MODEL)
    assert compile_model(tmp_path / "net.py", target="gpu", profile="ideal").report().parts[0].occupancy.cores == 1
    program = compile_model(tmp_path / "net.py", target="gpu", profile=narrow(tmp_path, "loihi1"), precision="float")
    assert program.report().parts[0].occupancy.misfits == ()
