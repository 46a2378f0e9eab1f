"""A setting: its name, its chip with fewer bits, and which networks and configurations have a test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hw_profiles
from compile.command.progress import Progress
from compile.evaluation.setting import Setting, measured_configs, models
from compile.stages.build import build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from ir.errors import CompileError


def test_fewer_bits_are_fewer_weights(measured: Path):
    profile = Setting(measured, "", bits=3).chip()
    assert profile.arithmetic.weight_bits == 3
    assert profile.energy == hw_profiles.load("loihi2").energy
    options = Options(target="gpu", profile="loihi2")
    source = load_source(measured, options)
    build = build_part(source.parts[0], source, options, profile, Progress(quiet=True))
    chip = build.program.deployment.chip
    rows = [row for node in chip.nodes.values() if node.op.kind == "linear" for row in chip.arrays(node)["weight"]]
    mantissas = [row >> (int(np.bitwise_or.reduce(row) & -np.bitwise_or.reduce(row)).bit_length() - 1) for row in rows]
    assert min(int(mantissa.min()) for mantissa in mantissas) >= -4
    assert max(int(mantissa.max()) for mantissa in mantissas) == 3


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (Setting(Path("models/cmsf.py"), ""), "cmsf, loihi2"),
        (Setting(Path("cmsf.py"), "digits", "loihi1", 4), "cmsf digits, loihi1 4 bits"),
        (Setting(Path("cmsf.py"), "digits", weights=Path("a/w.pt")), "cmsf digits, loihi2, w.pt"),
        (
            Setting(Path("n.py"), "", lower={"attention": "graded-a", "mask": "and"}),
            "n, loihi2 attention=graded-a mask=and",
        ),
    ],
)
def test_a_setting_is_named_by_what_differs_from_the_defaults(setting: Setting, text: str):
    assert str(setting) == text


def test_the_chip_is_the_profile_itself_where_no_bits_are_asked_for():
    assert Setting(Path("n.py"), "", "loihi1").chip() == hw_profiles.load("loihi1")
    narrow = Setting(Path("n.py"), "", bits=4).chip().tables["arithmetic"]["weight_bits"]
    assert (narrow.value, narrow.kind, narrow.note) == (4, "assumed", "narrowed from 8")


@pytest.mark.parametrize("bits", [1, 9])
def test_bits_that_the_chip_does_not_have_are_refused(bits: int):
    with pytest.raises(CompileError, match=r"options\.bits(.|\n)*2 to 8"):
        Setting(Path("n.py"), "", bits=bits).chip()


CONFIGURED = """
CONFIGS = {"small": 1, "untested": 2, "large": 3}

def task(config):
    return None if config == "untested" else object()
"""


def test_configurations_with_a_task_are_measured(tmp_path: Path, measured: Path, tiny: Path):
    path = tmp_path / "configured.py"
    path.write_text(CONFIGURED)
    assert measured_configs(path) == ["small", "large"]
    assert measured_configs(measured) == [""]
    with pytest.raises(CompileError, match=r"evaluate\.task"):
        measured_configs(tiny)


def test_the_models_of_the_repository_are_found():
    assert "cmsf" in [path.stem for path in models()]
    assert not {"train", "evaluate", "digits_task"} & {path.stem for path in models()}
