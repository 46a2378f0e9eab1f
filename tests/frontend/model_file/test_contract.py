"""What a model file holds, entry by entry: what counts as each, and what is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from frontend.model_file.contract import (
    batch_first,
    built_parts,
    config_name,
    default_weights,
    energy_table,
    example_inputs,
    function,
    optional,
    static_inputs,
    steps,
)
from frontend.model_file.user_file import UserFile, run_file
from ir.errors import CompileError

Make = Callable[[str], UserFile]


@pytest.fixture
def file(tmp_path: Path) -> Make:
    """file(text): a user's file, run."""

    def make(text: str) -> UserFile:
        (tmp_path / "net.py").write_text(f"import torch\nfrom torch import nn\n{text}\n")
        return run_file(tmp_path / "net.py")

    return make


def refused(call: Callable[[], Any], what: str, rule: str = "model.contract") -> CompileError:
    with pytest.raises(CompileError) as caught:
        call()
    assert caught.value.rule == rule
    assert what in caught.value.what
    assert caught.value.where.endswith("net.py")
    return caught.value


def test_configurations_by_name_the_first_one_by_default(file: Make) -> None:
    configured = file("CONFIGS = {'small': 1, 'large': 2}")
    assert [config_name(configured, name) for name in (None, "large")] == ["small", "large"]
    assert config_name(file(""), None) == ""
    error = refused(lambda: config_name(configured, "huge"), "no configuration 'huge'", "model.config")
    assert error.hint == "known: small, large"
    assert refused(lambda: config_name(file(""), "small"), "'small'", "model.config").hint == "known: none"
    for configs in ("['small']", "{1: 2}", "{'\\x1b[31m': 2}"):
        refused(lambda text=configs: config_name(file(f"CONFIGS = {text}"), None), "CONFIGS is not a mapping")


@pytest.mark.parametrize("table", ["['cmsf']", "{}", "3"])
def test_a_published_table_has_a_name(file: Make, table: str) -> None:
    assert energy_table(file("")) is None
    assert energy_table(file("ENERGY_TABLE = 'any'")) == "any"
    refused(lambda: energy_table(file(f"ENERGY_TABLE = {table}")), "no name")


def test_inputs_without_time(file: Make) -> None:
    assert static_inputs(file("")) == ()
    assert static_inputs(file("STATIC_INPUTS = ['a', 'b']")) == ("a", "b")
    refused(lambda: static_inputs(file("STATIC_INPUTS = ('regions')")), "not a tuple of names")


def test_the_order_of_batch_and_time(file: Make) -> None:
    assert [batch_first(file(text)) for text in ("", "BATCH_FIRST = True", "BATCH_FIRST = False")] == [
        None,
        True,
        False,
    ]
    refused(lambda: batch_first(file("BATCH_FIRST = 1")), "BATCH_FIRST is 1")


def test_the_number_of_steps(file: Make) -> None:
    """The configuration's goes before the file's."""
    text = "class C:\n    T = 6\nCONFIGS = {'a': C(), 'b': 2}\nT = 4"
    assert [steps(file(text), config) for config in ("a", "b", "")] == [6, 4, 4]
    for text in ("", "T = 0", "T = 2.0", "T = '4'"):
        refused(lambda text=text: steps(file(text), ""), "T, the number of time steps, is")


def test_functions_that_every_file_has_and_others(file: Make) -> None:
    module = file("def build(config):\n    return config\ntask = None\nexample = 3")
    assert function(module, "build")("x") == "x"
    refused(lambda: function(module, "example"), "no function example")
    refused(lambda: function(module, "absent"), "no function absent")
    assert optional(module, "build", "small") == "small"
    assert optional(module, "task", "small") is None
    assert optional(module, "absent", "small") is None
    refused(
        lambda: optional(file("def task(config):\n    1 / 0"), "task", ""),
        "task() raised ZeroDivision",
        "model.exception",
    )


@pytest.mark.parametrize(
    ("built", "names"), [("nn.Linear(2, 2)", ["network"]), ("{'a': nn.ReLU(), 7: nn.Linear(2, 2)}", ["a", "7"])]
)
def test_parts_are_modules_in_eval_mode(file: Make, built: str, names: list[str]) -> None:
    parts = built_parts(file(f"def build(config):\n    return {built}"), "")
    assert list(parts) == names
    assert not any(part.training for part in parts.values())


@pytest.mark.parametrize(
    ("built", "what"),
    [
        ("{}", "build() returned no parts"),
        ("{'a': 3}", "build() returned a int for a"),
        ("[nn.ReLU()]", "build() returned a list for network"),
        ("{1: nn.ReLU(), '1': nn.ReLU()}", "build() returned parts called 1, '1'"),
        ("{'\\x1b': nn.ReLU()}", "build() returned parts called"),
    ],
)
def test_what_is_no_part(file: Make, built: str, what: str) -> None:
    refused(lambda: built_parts(file(f"def build(config):\n    return {built}"), ""), what)


def test_the_checkpoint_that_comes_with_a_file(file: Make, tmp_path: Path) -> None:
    assert default_weights(file(""), "") is None
    assert default_weights(file("def weights(config): return None"), "") is None
    assert default_weights(file(f"def weights(config): return {str(tmp_path / 'w.pt')!r}"), "") == tmp_path / "w.pt"
    refused(lambda: default_weights(file("def weights(config): return 3"), ""), "weights() returned a int")


class Two(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


PARTS = {"one": {"a": nn.ReLU()}, "two": {"a": nn.ReLU(), "b": Two()}}
TENSOR = "torch.full((samples, 3), float(seed))"


@pytest.mark.parametrize(
    ("parts", "returned", "inputs"),
    [
        ("one", TENSOR, {"a": ["input"]}),
        ("one", f"({TENSOR},)", {"a": ["input"]}),
        ("one", f"{{'input': {TENSOR}}}", {"a": ["input"]}),
        ("one", f"{{'a': {TENSOR}}}", {"a": ["a"]}),  # a tensor by the name of an input, not inputs by part
        ("one", f"{{'a': {{'input': {TENSOR}}}}}", {"a": ["input"]}),
        ("two", f"{{'a': [{TENSOR}], 'b': [{TENSOR}] * 2}}", {"a": ["input"], "b": ["x", "y"]}),
    ],
)
def test_example_inputs_by_part_and_name(file: Make, parts: str, returned: str, inputs: dict[str, list[str]]) -> None:
    examples = example_inputs(
        file(f"def example(config, samples, seed):\n    return {returned}"), PARTS[parts], "", 2, 5
    )
    assert {part: list(tensors) for part, tensors in examples.items()} == inputs
    for tensors in examples.values():
        assert all(torch.equal(tensor, torch.full((2, 3), 5.0)) for tensor in tensors.values())


@pytest.mark.parametrize(
    ("parts", "returned", "what"),
    [
        ("two", f"{{'a': [{TENSOR}]}}", "no inputs for the part b"),
        ("two", TENSOR, "no inputs for the part b"),
        ("one", "None", "example() returned NoneType"),
        ("one", f"{{1: {TENSOR}}}", "example() returned {1: Tensor}"),
        ("one", "{'input': 3}", "example() returned {'input': int}"),
    ],
)
def test_what_are_no_example_inputs(file: Make, parts: str, returned: str, what: str) -> None:
    text = f"def example(config, samples, seed):\n    return {returned}"
    refused(lambda: example_inputs(file(text), PARTS[parts], "", 2, 0), what)
