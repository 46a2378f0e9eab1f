"""Names as text, in the IR's letters, and different from each other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from frontend.names import called, node_name, parameters_of, qualified_name, utf8_text
from ir.errors import CompileError
from ir.graph import GraphBuilder, free_name
from ir.ops import Input
from ir.text import graph_text, parse_graph


def test_bytes_and_texts_are_the_same_name() -> None:
    assert utf8_text("größe") == utf8_text("größe".encode()) == "größe"
    assert utf8_text(7) == "7"


@pytest.mark.parametrize("name", [b"\xff", "\ud800"])
def test_what_is_no_utf8_is_one_error(name: bytes | str) -> None:
    with pytest.raises(CompileError, match="UTF-8") as caught:
        utf8_text(name)
    assert caught.value.rule == "nir.name"


@pytest.mark.parametrize("text", ["a.b-1", "größe 2", "", "a/b(c)=d"])
def test_the_text_form_holds_every_node_name(text: str) -> None:
    builder = GraphBuilder("net", 1)
    graph = builder.build({"output": builder.add(Input("spike[3]"), name=node_name(text))})
    assert parse_graph(graph_text(graph), {}) == graph


def test_a_name_is_taken_once() -> None:
    assert free_name("a", ()) == "a"
    assert free_name("a", {"a", "a_2"}) == "a_3"


def test_classes_are_known_by_module_and_name() -> None:
    assert qualified_name(torch.nn.Linear) == "torch.nn.modules.linear.Linear"


def test_the_inputs_of_a_module() -> None:
    module = nn.Linear(2, 2)
    assert list(parameters_of(module)) == ["input"]
    module.forward = None  # it has no signature, as scripted code has none
    with pytest.raises(CompileError, match="does not say which inputs it takes"):
        parameters_of(module)


class Taking(nn.Module):
    """It returns what it was given in order, and by name."""

    def forward(self, a: int, /, b: int = 0, *rest: int, c: int = 0, **more: int) -> Any:
        return (a, b, *rest), {"c": c, **more}


def test_a_module_is_called_in_order_up_to_the_first_gap() -> None:
    for inputs, given in (
        ({"a": 1, "b": 2}, ((1, 2), {"c": 0})),
        ({"c": 3, "b": 2, "a": 1, "rest": 4}, ((1, 2, 4), {"c": 3})),
        ({"a": 1, "c": 3}, ((1, 0), {"c": 3})),
    ):
        assert called(Taking(), inputs) == given
