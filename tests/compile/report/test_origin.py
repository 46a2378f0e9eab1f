"""Versions that a run is made again with."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import numpy
import pytest
import torch

from compile.report.origin import versions
from compile.version import version


def test_installed_packages_have_their_versions():
    found = versions()
    assert found["Python"] == platform.python_version()
    assert found["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    assert found["numpy"] == numpy.__version__


@pytest.mark.checkout
def test_a_checkout_says_its_commit():
    root = Path(__file__).parents[3]
    head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    stated = re.fullmatch(rf"{re.escape(version())} \((\w+?)(-dirty)?\)", versions()["spike-compiler"])
    assert stated is not None
    assert head.startswith(stated[1])
