"""What must not load torch does not: help and listings answer at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"h5py", "lava", "networkx", "nir", "scipy", "sklearn", "spikingjelly", "torch"}


@pytest.mark.parametrize(
    ("arguments", "light"),
    [
        (["--help"], {"numpy"}),
        (["evaluate", "--help"], {"numpy"}),
        (["report", "--help"], {"bokeh", "numpy"}),
        (["--list", "ops"], set()),
        (["--list", "profiles"], set()),
        (["--list", "strategies"], set()),
        (["--list", "semantics"], set()),
        (["--list", "presets"], set()),
    ],
)
def test_imports(arguments: list[str], light: set[str]):
    command = [sys.executable, "-X", "importtime", "-m", "compile", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    assert len(run.stdout) > 200
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()}
    assert imported & {"compile", "spike_compiler"}
    assert not imported & (HEAVY | light)


@pytest.mark.checkout
def test_the_installed_name_offers_what_a_checkout_s_does():
    import compile as compiler
    import spike_compiler

    assert set(spike_compiler.__all__) == {*compiler.__all__, "__version__"}
    for name in compiler.__all__:
        assert getattr(spike_compiler, name) is getattr(compiler, name)
