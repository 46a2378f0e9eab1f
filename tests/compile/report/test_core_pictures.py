"""Pictures of a map: every core at its place, every link as wide as it is busy, and the same bytes for the same run."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.report.core_pictures import THINNEST, WIDEST, _Canvas, _lines
from ir.mapping.timing.links import Links
from ir.profile import Mesh

PLACES = np.array([[0, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 1]], np.int32)


def test_cores_are_at_their_places_and_chips_apart():
    canvas = _Canvas(PLACES)
    image = canvas.image(np.array([1.0, 2.0, 3.0, 4.0]))
    nan = float("nan")
    expected = [[1, 2, nan, nan, nan], [nan, 3, nan, 4, nan]]
    np.testing.assert_array_equal(image, expected)


def test_links_inside_chips_are_lines_as_wide_as_they_are_busy():
    start, end = np.array([[0, 0], [1, 0], [1, 1]]), np.array([[1, 0], [1, 1], [2, 1]])
    lines = _lines(_Canvas(PLACES), Links(start, end, np.array([2.0, 8.0, 5.0])), Mesh(2, 2))
    assert lines.get_linewidths() == pytest.approx([WIDEST / 4, WIDEST])  # the third leads to the next chip
    first, second = (segment.round().tolist() for segment in lines.get_segments())
    assert (first, second) == ([[0, 0], [1, 0]], [[1, 0], [1, 1]])


def test_links_that_would_not_be_seen_are_none():
    start, end = np.array([[0, 0], [1, 0]]), np.array([[1, 0], [1, 1]])
    lines = _lines(_Canvas(PLACES), Links(start, end, np.array([THINNEST / 2, WIDEST])), Mesh(2, 2))
    assert lines.get_linewidths() == [WIDEST]


def test_a_run_writes_both_and_the_same_again(tmp_path: Path):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 40), neuron.IFNode(step_mode="m"), nn.Linear(40, 5), neuron.IFNode(step_mode="m"))
    x = (torch.rand(3, 4, 20) < 0.5).float()
    program = compile_model(net, target="gpu", example=x)
    for name in ("one", "two"):
        program.report().save(tmp_path / name)
    for picture in ("cores.svg", "traffic.svg"):
        content = (tmp_path / "one" / picture).read_bytes()
        assert ElementTree.fromstring(content).tag.endswith("svg")
        assert content == (tmp_path / "two" / picture).read_bytes()
    ideal = compile_model(net, target="gpu", profile="ideal", example=x)
    ideal.report().save(tmp_path / "one")
    assert not (tmp_path / "one" / "cores.svg").exists()
