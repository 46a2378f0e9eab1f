"""What follows a network's parts, as a model file states it."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.model_file.follow_up import FollowUp
from frontend.model_file.model_file import load_model_file
from ir.errors import CompileError

FILE = """
from torch import nn

T = 2
TRAINING_PARTS = {training}


def build(config):
    return {{"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)}}


def example(config, samples, seed):
    raise AssertionError


def follow_up(config):
    return {stated}
"""
GOOD = {"name": "similarity", "pair": "a and b", "macs": 4, "gallery": 10}


def loaded(tmp_path: Path, stated: object, training: object = ()):
    file = tmp_path / "net.py"
    file.write_text(FILE.format(stated=stated, training=training))
    return load_model_file(file)


def test_what_a_file_states(tmp_path: Path):
    model = loaded(tmp_path, GOOD, ("b",))
    assert model.follow_up == FollowUp("similarity", "a and b", 4, 10)
    assert model.training_parts == ("b",)
    assert loaded(tmp_path, None).follow_up is None


@pytest.mark.parametrize(
    "stated", [1, {}, {**GOOD, "more": 1}, {**GOOD, "macs": 0}, {**GOOD, "gallery": True}, {**GOOD, "name": 3}]
)
def test_what_is_no_such_thing(tmp_path: Path, stated: object):
    with pytest.raises(CompileError, match=r"follow_up\(\) returned"):
        loaded(tmp_path, stated)


@pytest.mark.parametrize("training", [("c",), "a"])
def test_parts_of_training_are_parts(tmp_path: Path, training: object):
    with pytest.raises(CompileError, match="TRAINING_PARTS is not a tuple"):
        loaded(tmp_path, None, repr(training))
