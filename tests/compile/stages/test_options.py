"""The options of a compilation: what is unknown is refused where it is stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hw_profiles
from backends.targets import DEFAULT, target
from compile.stages.options import MAPS, Options
from ir.errors import CompileError
from ir.mapping.layout.map_for import OBJECTIVES

GPU = ["--target", "gpu", "--samples", "2"]


def test_profile_with_an_unknown_key(fails, tiny: Path, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        'title = "mine"\nextends = "loihi2"\n[arithmetic]\nwieght_bits = { value = 8 }\n'
    )
    fails([str(tiny), *GPU, "--profile", str(tmp_path / "mine.toml")], 2, "wieght_bits", "weight_bits")


def test_defaults_are_the_main_job_s():
    options = Options()
    assert (options.target, options.precision, options.samples) == (DEFAULT, "int", 16)
    assert options.place is target(DEFAULT)
    assert options.hardware() == hw_profiles.load(target(DEFAULT).profile)
    assert Options(profile="loihi1").hardware().name == "loihi1"


def test_maps_are_the_plain_one_and_all_objectives():
    assert ("plain", *OBJECTIVES) == MAPS


@pytest.mark.parametrize(
    ("flags", "rule", "known"),
    [
        ({"target": "tpu"}, "options.target", "loihi"),
        ({"precision": "half"}, "options.precision", "int, float"),
        ({"fit": "force"}, "options.fit", "refuse, warn"),
        ({"map_for": "speed"}, "options.map", "plain, cores, time, energy"),
        ({"emission": "stok"}, "options.emission", "fused, stock"),
        ({"target": "gpu", "emission": "stock"}, "options.emission", "leave"),
        ({"emit": "nx", "out": Path("out")}, "options.emit", "netx"),
        ({"emit": "netx"}, "options.emit", "--out DIR"),
        ({"emit": "netx", "out": Path("out"), "precision": "float"}, "options.emit", "--precision float"),
        ({"profile": 7}, "options.profile", "a name or a path"),
        ({"weights": 3}, "options.weights", "a name or a path"),
        ({"phases": "2"}, "options.phases", "a whole number"),
        ({"phases": True}, "options.phases", "a whole number"),
        ({"phases": 0}, "options.phases", "1 or more"),
        ({"dt": "1e-4"}, "options.dt", "a number"),
        ({"batch_first": "yes"}, "options.batch_first", "True or False"),
        ({"lower": "attention=graded-a"}, "options.lower", "names with their values"),
        ({"domains": "spike"}, "options.domains", "names with their values"),
        ({"check": "sana"}, "options.check", "known: sanafe"),
        ({"check": "sanafe=run", "precision": "float"}, "options.check", "leave --check"),
    ],
)
def test_what_is_unknown_is_refused_before_anything_is_read(flags: dict[str, Any], rule: str, known: str):
    with pytest.raises(CompileError) as error:
        Options(**flags)
    assert error.value.rule == rule
    assert known in error.value.hint


def test_a_format_brings_its_profile_unless_one_is_named():
    assert Options(emit="netx", out=Path("out")).hardware().name == "netx"
    assert Options(emit="netx", out=Path("out"), profile="loihi2").hardware().name == "loihi2"


def test_a_profile_is_read_when_it_is_needed(tmp_path: Path):
    options = Options(profile="nonsense")
    with pytest.raises(CompileError, match=r"profile\.name"):
        options.hardware()
    (tmp_path / "mine.toml").write_text('title = "mine"\nextends = "loihi2"\n')
    assert Options(profile=tmp_path / "mine.toml").hardware().title == "mine"


def test_prices_are_those_of_profiles_each_once_the_own_first(tmp_path: Path):
    options = Options(prices=("45nm", "loihi2", "loihi1-fit"))
    assert [each.name for each in options.price_profiles(options.hardware())] == ["loihi2", "45nm", "loihi1-fit"]
    with pytest.raises(CompileError, match=r"profile\.name"):
        Options(prices=("46nm",)).price_profiles(options.hardware())
    (tmp_path / "bare.toml").write_text('title = "no energies"\n')
    for prices in (("",), ("45nm", "", "7nm")):
        with pytest.raises(CompileError, match=r"options\.prices\]: --prices has an empty name(.|\n)*--list prices"):
            Options(prices=prices).price_profiles(options.hardware())
    with pytest.raises(CompileError, match=r"options\.prices.*bare states no energies"):
        Options(prices=(tmp_path / "bare.toml",)).price_profiles(options.hardware())


def test_a_profile_twice_is_one_and_another_of_its_name_is_refused(tmp_path: Path):
    own = Options().hardware()
    assert [each.name for each in Options(prices=("45nm", "45nm", "loihi2")).price_profiles(own)] == ["loihi2", "45nm"]
    (tmp_path / "45nm.toml").write_text(
        'title = "mine"\nextends = "45nm"\n\n[energy]\ne_ac = { value = 1, unit = "pJ", kind = "measured", source = "mine" }\n'
    )
    with pytest.raises(CompileError, match=r"options\.prices.*two profiles of the name 45nm"):
        Options(prices=("45nm", tmp_path / "45nm.toml")).price_profiles(own)
