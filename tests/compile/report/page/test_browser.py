"""The page in a browser: it draws, its script fails nowhere, and it fits screens of both widths and schemes."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from compile.report.page.page import report_page
from compile.report.report import Report

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--virtual-time-budget=10000",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium to look at the page with"),
]


@pytest.fixture
def page(report: Report, tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(report_page(report, {}), encoding="utf-8")
    return path


def chromium(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [CHROMIUM, *FLAGS, profile, *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_it_draws_its_figures_and_no_script_fails(page: Path):
    """All at once, as nothing is scrolled here."""
    page.write_text(page.read_text(encoding="utf-8") + "<script>figures.forEach(draw)</script>", encoding="utf-8")
    ran = chromium(page, "--dump-dom", "--window-size=1200,20000", "--enable-logging=stderr", "--v=0")
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    assert console
    assert not [line for line in console if re.search(r"error|uncaught|warn", line, re.IGNORECASE)]
    places = re.findall(r'<div class="figure"[^>]*>(<div class="bk-)?', ran.stdout)
    assert len(places) > 4
    assert all(places)
    assert ran.stdout.count("copy as LaTeX") == ran.stdout.count("copy as CSV") > 3


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("scheme", "bright"), [(0, False), (1, True)])
def test_it_is_light_or_dark_as_its_reader_wants(page: Path, tmp_path: Path, width: int, scheme: int, bright: bool):
    picture = tmp_path / "page.png"
    flags = (f"--window-size={width},900", f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={picture}")
    chromium(page, *flags)
    pixels = np.asarray(matplotlib.image.imread(picture))[..., :3]
    assert pixels.shape[1] == width
    ground = pixels[2, 2]
    assert (ground.mean() > 0.8) == bright
    assert (np.abs(pixels - ground).max(axis=2) > 0.5).mean() > 0.005, "nothing is written on it"
