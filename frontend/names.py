"""Names of nodes, as text in letters that the IR's text form can hold, of inputs, and of classes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from ir.errors import CompileError


def utf8_text(value: Any) -> str:
    """A name or text of a file, bytes or str, as str; CompileError where it is not UTF-8."""
    try:
        return (value if isinstance(value, bytes) else str(value).encode("utf8")).decode("utf8")
    except UnicodeError as error:
        raise CompileError("nir.name", f"{value!a} is not a text in UTF-8") from error


def node_name(text: str) -> str:
    """The text with an underscore for every letter that the IR's text form cannot hold."""
    return re.sub(r"[^\w.\-]", "_", text, flags=re.ASCII) or "_"


def parameters_of(module: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a module's `forward` by name; CompileError where it does not tell them, as scripted code does not."""
    try:
        return inspect.signature(module.forward).parameters
    except (TypeError, ValueError, AttributeError):
        what = f"forward of {type(module).__name__} does not say which inputs it takes"
        raise CompileError("import.inputs", what, hint="compile the torch module that it was made from") from None


def called(module: Any, inputs: Mapping[str, Any]) -> Any:
    """What a module makes of inputs by the names of its forward's parameters, given in order up to the first that is left out."""
    in_order, rest = list[Any](), dict(inputs)
    for name, item in parameters_of(module).items():
        if name not in rest or item.kind in (item.KEYWORD_ONLY, item.VAR_KEYWORD):
            break
        in_order.append(rest.pop(name))
    return module(*in_order, **rest)


def qualified_name(cls: type) -> str:
    """The name under which the tables know a class: module and class."""
    return f"{cls.__module__}.{cls.__qualname__}"
