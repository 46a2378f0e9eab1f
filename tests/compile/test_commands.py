"""Commands beside compiling: each is called by its name, and in the help of the whole."""

from __future__ import annotations

import pytest

from compile.cli import main
from compile.commands import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_each_has_a_command_line_of_its_own(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: spike-compile {name} ")


def test_the_help_says_what_each_is_for(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"{name}: {command.__doc__}" in said for name, command in COMMANDS.items())
