"""What is put around a network and computes nothing: its module or functions, for devices or speed, or its weights."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Set
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from torch.overrides import has_torch_function

from frontend.type_guards import is_mapping
from ir.errors import CompileError

COMPILED = "_orig_mod"
"""What the module of `torch.compile` calls the one that it was made from."""
PREFIXES = ("module.", f"{COMPILED}.")
"""Of the names that weights have in a wrapped network."""
AVERAGED = "n_averaged"
"""What an averaged network has beside its weights."""


def network_of(module: nn.Module) -> nn.Module:
    """
    The network in a wrapped one, in eval mode: for several devices, averaged, or of `torch.compile`.

    Raises:
        CompileError: it is a program that torch has made of a network, by scripting, tracing or exporting it.
    """
    while (inner := _inner(module)) is not None:
        module = inner
    try:
        if not isinstance(module, torch.jit.ScriptModule):
            return module.eval()
    except NotImplementedError:  # exported ones have one mode
        pass
    raise made_from_network(type(module).__name__)


def made_from_network(kind: str) -> CompileError:
    """The refusal of a program that torch has made."""
    what = f"a program of type {kind} no longer has the network's neurons"
    return CompileError("source.kind", what, hint="compile the torch module that it was made from")


def _inner(module: Any) -> nn.Module | None:
    """What a module is wrapped around, if it is a wrapper."""
    wrapped = isinstance(module, nn.DataParallel | DistributedDataParallel | AveragedModel)
    inner: object = getattr(module, "module" if wrapped else COMPILED, None)
    return inner if isinstance(inner, nn.Module) else None


@contextmanager
def eagerly() -> Generator[None]:
    """
    Run what a network or what it calls was made from, as it was written: only that can be followed.

    That is what `torch.compile` has compiled, and, where somebody watches torch's functions, what `torch.jit.script` has.
    """
    with _SCRIPTS, _uncompiled():
        yield


class _Scripts:
    """As long as it is entered anywhere, scripted functions are heard of by whoever watches torch's functions in their thread."""

    def __init__(self) -> None:
        self._lock, self._entered = Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            self._entered += 1
            _SCRIPT.__call__ = _watched_call

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._entered -= 1
            if not self._entered:
                _SCRIPT.__call__ = _CALL


_SCRIPTS = _Scripts()
_SCRIPT: Any = torch.jit.ScriptFunction
_CALL = _SCRIPT.__call__
_OVERRIDES: Any = import_module("torch.overrides")


def _watched_call(script: Any, *args: Any, **kwargs: Any) -> Any:
    """What a scripted function was made from, if torch has kept that; else it is one more function of torch."""
    read = (*args, *kwargs.values())
    if not has_torch_function(read):
        return _CALL(script, *args, **kwargs)
    written = getattr(script, "_torchdynamo_inline", None)
    if written is None:
        return _OVERRIDES.handle_torch_function(script, read, *args, **kwargs)
    return written(*args, **kwargs)


@contextmanager
def _uncompiled() -> Generator[None]:
    """Run what `torch.compile` has compiled as it was written."""
    dynamo = sys.modules.get("torch._dynamo")  # slow to import, and there if anything was compiled
    if dynamo is None:
        yield
    elif stance := getattr(torch.compiler, "set_stance", None):  # of torch 2.6 and later
        with stance("force_eager"):
            yield
    else:  # as it does where fx traces; config.disable would mark what it passes as never to be compiled
        tracing: Any = import_module("torch.fx._symbolic_trace")
        with (
            dynamo.config.patch(error_on_nested_fx_trace=False),
            patch.object(tracing, "_is_fx_tracing_flag", new=True),
        ):
            yield


def state_of(content: Any, names: Set[str]) -> Any:
    """
    The state dict in a checkpoint: what has these names, perhaps behind a wrapper's prefix, or lies in one entry of it.

    Args:
        content: what the file holds. names: of the network's weights.
    """
    whole: Mapping[Any, Any] = content if is_mapping(content) else {}
    for state in (whole, *whole.values()):
        if is_mapping(state) and (own := _without_prefixes(state)).keys() == names:
            return own
    return content


def _without_prefixes(state: Mapping[Any, Any]) -> dict[Any, Any]:
    own = {name: value for name, value in state.items() if name != AVERAGED}
    while prefix := next((each for each in PREFIXES if own and all(str(name).startswith(each) for name in own)), ""):
        own = {str(name)[len(prefix) :]: value for name, value in own.items()}
    return own
