"""Task examples on the page: their pictures pixel by pixel, and a card for each."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backends.trace import Array
from compile.report.page.examples import picture_uri
from compile.report.page.page import report_page
from compile.report.report import Metrics, Report
from frontend.model_file.task_example import TaskExample

HEAD = "data:image/png;base64,"


def decoded(uri: str) -> Array:
    assert uri.startswith(HEAD)
    with Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(HEAD)))) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("shape", [(5, 7), (7, 5, 3)])
def test_small_pictures_are_kept_pixel_by_pixel(shape: tuple[int, ...]):
    image = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    np.testing.assert_array_equal(decoded(picture_uri(image)), image)


def test_large_pictures_are_made_smaller():
    assert decoded(picture_uri(np.zeros((500, 1000, 3), np.uint8))).shape == (96, 192, 3)
    assert picture_uri(None) == ""


def test_every_example_is_a_card_in_which_answers_and_names_are_text(report: Report):
    examples = (
        TaskExample("clip <1>", ("7", "1"), ("1", "one"), np.zeros((2, 2), np.uint8)),
        TaskExample("clip 2", ("3 & 4",), ("3 & 4",)),
    )
    page = report_page(replace(report, metrics=Metrics(samples="all clips", examples=examples)), {})
    assert page.index('<h2 id="chip">') < page.index('<h2 id="examples">') < page.index('<h2 id="again">')
    assert '<a href="#examples">Examples</a>' in page
    section = re.sub(r"\s+", " ", page[page.index('<h2 id="examples">') : page.index('<h2 id="again">')])
    assert "Some samples of all clips" in section
    first, second = section.split('<div class="card">')[1:]
    assert 'clip &lt;1&gt;: <span class="bad">wrong</span>' in first
    assert '<ol> <li>7</li> <li class="good">1 ✓</li> </ol>' in first
    assert "expected: 1, or 1 more<" in first
    assert first.count(f'<img src="{HEAD}') == 1
    assert 'clip 2: <span class="good">right</span>' in second
    assert '<ol> <li class="good">3 &amp; 4 ✓</li> </ol>' in second
    assert "expected: 3 &amp; 4<" in second
    assert "<img" not in second
