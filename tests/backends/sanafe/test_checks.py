"""What `--check` takes: a name that is known, and a command where this Python has none."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import hw_profiles
from backends.sanafe import checks
from backends.sanafe.checks import check_engine
from ir.errors import CompileError
from ir.mapping.split import plain_map
from tests.backends.sanafe.conftest import Draw


def made(check: str):
    """The engine of a network of 30 neurons on cores of 20."""
    loihi1 = hw_profiles.load("loihi1")
    twenty = {"neurons_per_core": replace(loihi1.quantity("limits", "neurons_per_core"), value=20)}
    profile = replace(loihi1, tables={**loihi1.tables, "limits": twenty})
    chip = Draw(0).network()[0]
    return check_engine(check)(chip, profile, plain_map(chip, profile))


def test_a_command_is_taken_as_a_shell_takes_it():
    engine = made('sanafe=/opt/python "my script.py"')
    assert list(engine.command) == ["/opt/python", "my script.py"]
    assert engine.describe() == "SANA-FE, 2 cores"


def test_without_a_command_this_python_runs_the_script_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = tmp_path / "run_sanafe.py"
    monkeypatch.setattr(checks, "SANAFE_RUNNER", script)
    monkeypatch.setattr(checks, "find_spec", lambda name: name)
    with pytest.raises(CompileError, match=r"sanafe\.missing"):
        made("sanafe")
    script.touch()
    assert list(made("sanafe").command) == [sys.executable, str(script)]
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    with pytest.raises(CompileError, match=r"sanafe\.missing"):
        made("sanafe")


@pytest.mark.parametrize("check", ["sana", "", 'sanafe="python'])
def test_what_is_none_is_refused(check: str):
    with pytest.raises(CompileError, match=r"options\.check"):
        check_engine(check)


@pytest.mark.checkout
def test_the_checkout_has_the_script():
    assert checks.SANAFE_RUNNER.exists()
