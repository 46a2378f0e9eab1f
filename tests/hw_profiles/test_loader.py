"""A user's own profile: inheritance, borrowing, and one clear error for every mistake."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from hw_profiles import chip, chips, load
from ir.errors import CompileError

SPIKE = '{ value = 1.5, unit = "pJ", kind = "measured", source = "my board" }'


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def error(folder: Path, text: str) -> CompileError:
    with pytest.raises(CompileError) as caught:
        load(write(folder, text))
    return caught.value


def test_own_file_by_path(tmp_path: Path):
    profile = load(write(tmp_path, f'title = "mine"\n[energy]\nspike = {SPIKE}\n'))
    assert (profile.name, profile.title) == ("mine", "mine")
    assert profile.energy.spike == Fraction(3, 2)
    assert profile.quantity("energy", "spike").source == "my board"
    assert load(str(tmp_path / "mine.toml")) == profile


@pytest.mark.parametrize("text", ["a = " + "[" * 1500 + "]" * 1500, "a = " + "{a=" * 1500 + "1" + "}" * 1500])
def test_what_is_nested_without_end_is_no_profile(tmp_path: Path, text: str):
    assert error(tmp_path, text).rule in ("profile.syntax", "profile.key")


def test_profiles_that_extend_one_another_without_end(tmp_path: Path):
    for number in range(40):
        write(tmp_path, f'title = "t"\nextends = "c{number + 1}.toml"\n', f"c{number}")
    write(tmp_path, 'title = "t"\nextends = "loihi2"\n', "c40")
    with pytest.raises(CompileError, match=r"profile\.extends"):
        load(tmp_path / "c0.toml")
    assert load(tmp_path / "c20.toml").arithmetic == load("loihi2").arithmetic


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "mine.toml")
    for path, rule in ((tmp_path / "mine.toml", "profile.file"), ("a\0.toml", "profile.name")):
        with pytest.raises(CompileError) as caught:
            load(path)
        assert caught.value.rule == rule


def test_extends_overrides_single_numbers(tmp_path: Path):
    loihi2 = load("loihi2")
    profile = load(write(tmp_path, f'title = "mine"\nextends = "loihi2"\n[energy]\nspike = {SPIKE}\n'))
    assert profile.energy.spike == Fraction(3, 2)
    assert profile.energy.synaptic_event == loihi2.energy.synaptic_event
    assert profile.arithmetic == loihi2.arithmetic
    assert profile.quantity("energy", "spike").lender == ""
    assert profile.quantity("energy", "synaptic_event").lender == "loihi1", "borrowed stays borrowed"


def test_extends_and_energy_from_take_paths_from_the_file(tmp_path: Path):
    write(tmp_path, f'title = "base"\n[energy]\nspike = {SPIKE}\n', "base")
    child = write(tmp_path, 'title = "child"\nextends = "base.toml"\n', "child")
    assert load(child).energy.spike == Fraction(3, 2)
    borrower = write(tmp_path, 'title = "borrower"\nenergy_from = ["base.toml"]\n', "borrower")
    assert load(borrower).quantity("energy", "spike").lender == "base"


def test_times_are_borrowed_as_prices_are(tmp_path: Path):
    update = '{ value = 1.5, low = 1, high = 2, unit = "ns", kind = "measured", source = "my board" }'
    text = f'title = "x"\ntiming_from = ["loihi1"]\n[timing]\nneuron_update = {update}\n'
    profile, lent = load(write(tmp_path, text)), load("loihi1").quantity("timing", "axon_in")
    own, borrowed = (profile.quantity("timing", key) for key in ("neuron_update", "axon_in"))
    assert (own.low, own.value, own.high, own.lender) == (1, Fraction(3, 2), 2, "")
    assert borrowed == replace(lent, lender="loihi1")
    assert "energy" not in profile.tables


def test_own_price_is_not_borrowed_over_and_the_first_lender_wins(tmp_path: Path):
    write(tmp_path, f'title = "base"\n[energy]\nspike = {SPIKE}\n', "base")
    text = 'title = "x"\nenergy_from = ["base.toml", "loihi1"]\n[energy]\nneuron_update = ' + SPIKE
    energy = load(write(tmp_path, text)).energy
    assert (energy.neuron_update, energy.spike) == (Fraction(3, 2), Fraction(3, 2))
    assert energy.synaptic_event == Fraction("23.6")


def test_decimals_are_exact(tmp_path: Path):
    spike = SPIKE.replace("1.5", "0.1")
    assert load(write(tmp_path, f'title = "x"\n[energy]\nspike = {spike}\n')).energy.spike == Fraction(1, 10)


TEMPLATE = (
    'title = "x"\n[{table}]\n{key} = {{ value = {value}, unit = "{unit}", kind = "{kind}", source = "{source}" }}\n'
)
GOOD = {"table": "energy", "key": "spike", "value": "1.5", "unit": "pJ", "kind": "measured", "source": "s"}
BAD_QUANTITIES = [
    ({"key": "spikes"}, "profile.key", "unknown key spikes"),
    ({"value": "-1"}, "profile.value", "-1 is below 0"),
    ({"value": "nan"}, "profile.value", "not a finite number"),
    ({"value": "inf"}, "profile.value", "not a finite number"),
    ({"value": "true"}, "profile.value", "not a finite number"),
    ({"value": '"1.5"'}, "profile.value", "not a finite number"),
    ({"value": "1.5, low = 2"}, "profile.value", "1.5 does not lie between low and high"),
    ({"value": "1.5, high = 1"}, "profile.value", "1.5 does not lie between low and high"),
    ({"value": "1.5, low = true"}, "profile.value", "not a finite number"),
    ({"unit": "nJ"}, "profile.value", "the unit is 'nJ', must be 'pJ'"),
    ({"kind": "guessed"}, "profile.value", "unknown kind 'guessed'"),
    ({"source": " "}, "profile.value", "source must be a text"),
    (
        {"table": "limits", "key": "cores_per_chip", "unit": "core"},
        "profile.value",
        "1.5 is not a whole number of core",
    ),
    ({"table": "limits", "key": "cores_per_chip", "unit": "core", "value": "0"}, "profile.value", "0 is below 1"),
    (
        {"table": "arithmetic", "key": "weight_bits", "unit": "bit", "value": "64"},
        "profile.value",
        "64 is above 32",
    ),
    (
        {"table": "mesh", "key": "link_buffer", "unit": "message", "value": str(10**30)},
        "profile.value",
        f"{10**30} is above 65536",
    ),
    (
        {"table": "mesh", "key": "input_column", "unit": "core", "value": str(10**9)},
        "profile.value",
        f"{10**9} is above 65536",
    ),
    ({"table": "mesh", "key": "input_column", "unit": "core", "value": "3"}, "profile.key", "missing key input_row"),
    ({"table": "mesh", "key": "input_row", "unit": "core", "value": "0"}, "profile.key", "missing key input_column"),
    ({"table": "timing", "key": "link", "unit": "ns", "value": "1e400"}, "profile.value", "1E+400 is above"),
    ({"value": "1e999999999"}, "profile.value", "1E+999999999 is above"),
    ({"value": "1e-999999999"}, "profile.value", "1E-999999999 has more than 60 decimal places"),
    ({"value": "1, low = 1e-999999999"}, "profile.value", "1E-999999999 has more than 60 decimal places"),
    (
        {"table": "synapse_memory", "key": "word_bytes", "unit": "byte", "value": str(10**21)},
        "profile.value",
        f"{10**21} is above {2**40}",
    ),
    (
        {"table": "synapse_memory", "key": "list_synapses", "unit": "synapse", "value": str(10**21)},
        "profile.value",
        f"{10**21} is above {2**53}",
    ),
    ({"table": "mesh", "key": "columns", "unit": "core", "value": "1025"}, "profile.value", "1025 is above 1024"),
    (
        {"table": "features", "key": "graded_spikes", "unit": "flag", "value": "1"},
        "profile.value",
        "1 is not true or false",
    ),
    (
        {"table": "features", "key": "graded_spikes", "unit": "flag", "value": "true"},
        "profile.key",
        "missing key programmable_neurons",
    ),
]


@pytest.mark.parametrize(("change", "rule", "text"), BAD_QUANTITIES, ids=[text for _, _, text in BAD_QUANTITIES])
def test_bad_quantity(tmp_path: Path, change: dict[str, str], rule: str, text: str):
    caught = error(tmp_path, TEMPLATE.format(**{**GOOD, **change}))
    assert caught.rule == rule
    assert text in caught.what
    assert "mine.toml" in caught.where
    assert {**GOOD, **change}["table"] in caught.where


WIDTHS = (({"activation_shift": 23}, "state_bits"), ({"decay_bits": 30}, "beyond 53 bits"))


@pytest.mark.parametrize(("widths", "text"), WIDTHS)
def test_widths_that_do_not_go_together(tmp_path: Path, widths: dict[str, int], text: str):
    rows = [f'{key} = {{ value = {n}, unit = "bit", kind = "assumed", source = "s" }}' for key, n in widths.items()]
    profile = load(write(tmp_path, 'title = "x"\nextends = "loihi2"\n[arithmetic]\n' + "\n".join(rows)))
    with pytest.raises(CompileError, match=text):
        _ = profile.arithmetic


def test_the_template_itself_is_good(tmp_path: Path):
    assert load(write(tmp_path, TEMPLATE.format(**GOOD))).energy.spike == Fraction(3, 2)


BAD_FILES = [
    ("[energy\n", "profile.syntax", "not TOML"),
    ("", "profile.key", "missing key title"),
    ("title = 3\n", "profile.value", "title must be a text"),
    ('title = "x"\nname = "y"\n', "profile.key", "unknown key name"),
    ('title = "x"\nenergy = 3\n', "profile.value", "energy must be a table"),
    ('title = "x"\n[energy]\nspike = 1.7\n', "profile.value", "every number needs a source"),
    ('title = "x"\n[energy]\nspike = { value = 1.7, unit = "pJ" }\n', "profile.key", "missing key source, kind"),
    ('title = "x"\nextends = ["loihi1"]\n', "profile.value", "extends must name one profile"),
    ('title = "x"\nenergy_from = "loihi1"\n', "profile.value", "energy_from must be a list"),
    ('title = "x"\nextends = "lohi"\n', "profile.name", "unknown profile"),
    ('title = "x"\nextends = "mine.toml"\n', "profile.extends", "inherits from itself"),
    ('title = "x"\nenergy_from = ["mine.toml"]\n', "profile.extends", "inherits from itself"),
]


@pytest.mark.parametrize(("text", "rule", "what"), BAD_FILES, ids=[what for _, _, what in BAD_FILES])
def test_bad_file(tmp_path: Path, text: str, rule: str, what: str):
    caught = error(tmp_path, text)
    assert caught.rule == rule
    assert what in caught.what
    assert caught.exit_code == 2


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(CompileError) as caught:
        load("loihi3")
    assert caught.value.rule == "profile.name"
    assert caught.value.hint.startswith("known names like it: loihi2, loihi1, loihi1-fit")
    with pytest.raises(CompileError, match=r"profile\.name") as caught:
        chip("loihi3")
    assert "known: ideal, loihi1, loihi1-fit, loihi2" in caught.value.hint
    assert "45nm" not in caught.value.hint


def test_chips_are_apart_from_tables_of_prices():
    assert chips() == ("ideal", "loihi1", "loihi1-fit", "loihi2", "loihi2-compiler", "netx", "speck", "spinnaker2")
    assert chip("loihi1").title == load("loihi1").title
    with pytest.raises(CompileError, match="45nm is no chip that runs networks") as caught:
        chip("45nm")
    assert (caught.value.rule, caught.value.hint) == (
        "profile.missing",
        "chips: ideal, loihi1, loihi1-fit, loihi2, loihi2-compiler, netx, speck, spinnaker2; ideal has no limits",
    )


CORES = 'title = "x"\nextends = "loihi2"\n[limits]\ncores_per_chip = {{ value = {}, unit = "core", kind = "assumed", source = "s" }}\n'


def test_the_cores_of_a_chip_have_places_in_its_mesh(tmp_path: Path):
    assert load(write(tmp_path, CORES.format(128))).limits.cores_per_chip == 128
    caught = error(tmp_path, CORES.format(129))
    assert caught.rule == "profile.value"
    assert caught.what == "16 columns and 8 rows of cores are 128 places, cores_per_chip is 129"
    assert caught.where.endswith("mine.toml  [mesh]")
    assert load(write(tmp_path, CORES.replace("loihi2", "spinnaker2").format(129))).mesh.columns is None


@pytest.mark.parametrize("kind", ["absent", "folder", "binary", "circle"])
def test_unreadable_file(tmp_path: Path, kind: str):
    path = tmp_path / "x.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CompileError) as caught:
        load(path)
    assert caught.value.rule == ("profile.syntax" if kind == "binary" else "profile.file")
    assert str(path) in caught.value.where


def test_every_mistake_names_the_known_keys_like_it(tmp_path: Path):
    caught = error(tmp_path, TEMPLATE.format(**{**GOOD, "key": "hop_north"}))
    assert "hop_north_south" in caught.hint
