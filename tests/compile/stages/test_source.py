"""Inputs from a file in place of the examples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compile.cli import main
from compile.stages.source import Example, Part, Source
from ir.errors import CompileError

GPU = ["--target", "gpu", "--samples", "2"]


def test_inputs_of_wrong_shape_name_or_value(fails, tiny: Path, tmp_path: Path):
    cases = {
        "names": ({"y": np.ones((2, 3, 6))}, "x"),
        "more": ({"x": np.ones((2, 3, 6)), "y": np.ones(3)}, "no input y"),
        "none": ({}, "empty"),
        "shape": ({"x": np.ones((2, 3, 5))}, "(2, 3, 5)"),
        "nan": ({"x": np.full((2, 3, 6), np.nan)}, "NaN"),
    }
    for name, (arrays, word) in cases.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, **arrays)
        fails([str(tiny), *GPU, "--inputs", str(path)], 2, word)
    (tmp_path / "broken.npz").write_text("no")
    fails([str(tiny), *GPU, "--inputs", str(tmp_path / "broken.npz")], 2, "broken.npz")


@pytest.fixture
def two_parts() -> Source:
    parts = (Part("image", None, {"regions": 1}), Part("both", None, {"regions": 1, "words": 2}))
    return Source("net", "", 2, (), parts)


def saved(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "x.npz", **arrays)
    return folder / "x.npz"


def test_inputs_of_a_file_go_to_the_parts_that_take_them(two_parts: Source, tmp_path: Path):
    regions, words = np.ones(3), np.zeros(2)
    image, both = two_parts.with_inputs(saved(tmp_path, regions=regions, words=words), whole=True).parts
    assert {name: array.tolist() for name, array in image.example.items()} == {"regions": [1, 1, 1]}
    assert set(both.example) == {"regions", "words"}
    (left,) = two_parts.with_inputs(saved(tmp_path, words=words), whole=True).parts
    assert (left.name, set(left.example)) == ("both", {"words"})


def test_inputs_of_other_parts_are_no_mistake_where_one_part_was_asked_for(two_parts: Source, tmp_path: Path):
    image = replace(two_parts, parts=two_parts.parts[:1])
    path = saved(tmp_path, regions=np.ones(3), words=np.zeros(2))
    assert set(image.with_inputs(path, whole=False).parts[0].example) == {"regions"}
    for source, arrays, whole in (
        (image, {"words": np.ones(1)}, False),
        (image, {"regions": np.ones(1), "w": np.ones(1)}, True),
    ):
        with pytest.raises(CompileError, match=r"inputs\.names"):
            source.with_inputs(saved(tmp_path, **arrays), whole)


def test_a_number_of_samples_beside_a_file_of_them_is_remarked(capsys, tiny: Path, tmp_path: Path):
    file = saved(tmp_path, x=np.ones((2, 3, 6)))
    assert main([str(tiny), *GPU, "--inputs", str(file), "--json"]) == 0
    assert any("--samples 2 has no effect beside" in text for text in json.loads(capsys.readouterr().out)["warnings"])
    assert main([str(tiny), *GPU[:2], "--inputs", str(file), "--json"]) == 0
    assert not any("--samples" in text for text in json.loads(capsys.readouterr().out)["warnings"])


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ({"static": "image"}, "static is a str"),
        ({"static": 3}, "static is a int"),
        ({"steps": "4"}, "steps is a str: '4'"),
    ],
)
def test_an_example_of_other_types_is_refused(example: dict[str, Any], said: str):
    with pytest.raises(CompileError, match=said):
        Example(None, **example)
