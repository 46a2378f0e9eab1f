"""The command of a report makes the same options again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from compile import cli
from compile.report.page.command import command_line
from compile.stages.options import Options


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(target="gpu", samples=3, config="a b", lower={"attention": "graded-b", "max": "or"}),
        Options(
            target="gpu", precision="float", dump=True, fail_if=("lost > 0", "f1 < 1"), phases=1, out=Path("out dir")
        ),
        Options(
            target="loihi", emission="mapped", map_for="time", fit="warn", batch_first=True, domains={"x": "count:3"}
        ),
        Options(target="gpu", prices=("7nm", "45nm-int8")),
        Options(target="gpu", dt=1e-4, semantics="nest", profile="loihi1", part="image", inputs=Path("x.npz")),
    ],
)
def test_it_is_read_as_it_was(options: Options):
    words = shlex.split(command_line("a net.py", options))
    assert words[0] == "spike-compile"
    parsed = cli._parser().parse_args(words[1:])  # pyright: ignore[reportPrivateUsage]
    assert parsed.network == "a net.py"
    assert cli._options(parsed) == options  # pyright: ignore[reportPrivateUsage]
