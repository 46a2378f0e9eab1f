"""In a fresh process SpikingJelly comes without SLAYER, and SLAYER once it is asked for something."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from compile.command import quick_spikingjelly

START = f"""
import sys
sys.path[:] = {sys.path!r}
from {quick_spikingjelly.__name__} import SLAYER, import_spikingjelly
"""


def said(code: str) -> list[str]:
    """The lines that a fresh process prints."""
    argv = [sys.executable, "-W", "ignore", "-c", START + code]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_slayer_is_left_out_and_nothing_is_printed():
    code = """
import_spikingjelly()
from spikingjelly.activation_based import neuron
print(neuron.LIFNode.__name__, SLAYER in sys.modules)
"""
    assert said(code) == ["LIFNode False"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("lava") is None, reason="SLAYER is of lava-dl, which is not installed")
def test_slayer_is_there_for_who_asks_for_it():
    code = """
import_spikingjelly()
from spikingjelly.activation_based import base
print(base.slayer.neuron.cuba.Neuron.__name__)
import lava.lib.dl.slayer as slayer
print(slayer.neuron is base.slayer.neuron)
"""
    assert said(code)[-2:] == ["Neuron", "True"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("lava") is None, reason="SLAYER is of lava-dl, which is not installed")
def test_what_is_imported_already_is_left_as_it_is():
    code = """
import spikingjelly.activation_based.base as base
before = base.slayer
import_spikingjelly()
print(base.slayer is before, before is sys.modules[SLAYER])
"""
    assert said(code)[-1] == "True True"
