"""
What a forward pass returns, as outputs by name.

    tensor                               output
    tuple, list                          output0, output1, ...
    dictionary, named tuple, dataclass   its keys, its fields
    one of these within another          "logits.0", "heads.left"

None, texts, numbers and truth values are no outputs: they cannot depend on the input, which a model cannot look at. Neither is
the state in Norse's pairs (output, state).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from frontend.type_guards import is_list, is_mapping, is_tuple
from ir.errors import CompileError


def named_outputs(result: Any) -> dict[str, torch.Tensor]:
    """The tensors of a result by name; CompileError where there is none, or something that may hide one."""
    result = result[0] if _is_pair_with_state(result) else result
    outputs = list(_tensors("", result))
    if not outputs:
        raise CompileError("import.outputs", f"the model returns {_kind(result)}", hint="return a tensor")
    name, times = Counter(name for name, _ in outputs).most_common(1)[0]
    if times > 1:
        raise CompileError("import.outputs", f"the model returns {times} outputs called {name!r}", hint="rename them")
    return dict(outputs)


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in a value that is called `name`, "" for the whole result."""
    if isinstance(value, torch.Tensor):
        yield name or "output", value
        return
    members = _members(value, "" if name else "output")
    if members is None:
        what = f"{name or 'the result'} is {_kind(value)}"
        raise CompileError("import.outputs", what, hint="return tensors, in tuples, lists, dictionaries or dataclasses")
    for key, member in members:
        yield from _tensors(f"{name}.{key}" if name else key, member)


def _members(value: Any, prefix: str) -> list[tuple[str, Any]] | None:
    """The parts of a value and their names, numbers behind `prefix`; none of what is no output, None for what is unknown."""
    if value is None or isinstance(value, str | bytes | bool | int | float | complex):
        return []
    if is_mapping(value):
        return [(str(key), member) for key, member in value.items()]
    if hasattr(value, "_fields"):
        return list(zip(value._fields, value, strict=True))
    if is_dataclass(value):
        return [(item.name, getattr(value, item.name)) for item in fields(value)]
    if is_tuple(value) or is_list(value):
        return [(f"{prefix}{place}", member) for place, member in enumerate(value)]
    return None


def _is_pair_with_state(result: Any) -> bool:
    """Whether a result is (output, list of neuron states), states being named tuples, None or lists of them."""
    if not (is_tuple(result) and len(result) == 2 and is_list(result[1])):
        return False
    return all(part is None or hasattr(part, "_fields") or is_list(part) for part in result[1])


def _kind(value: Any) -> str:
    return "nothing that depends on its inputs" if _members(value, "") == [] else f"a {type(value).__name__}"
