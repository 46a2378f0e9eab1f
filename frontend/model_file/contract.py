"""
What a model file holds, read from it and checked: the contract that `models/cmsf.py` shows.

`build(config)` -> a torch module or {part: module}, `example(config, samples, seed)` -> example inputs (of the module, or by
part), `T` (a constant, or an attribute of the configuration), and optionally `CONFIGS`, `STATIC_INPUTS`, `BATCH_FIRST`,
`weights(config)`, `load_weights(parts, path)`, `task(config)`, `TRAINING_PARTS`, `follow_up(config)` and `ENERGY_TABLE`. All
functions here raise CompileError where it is otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from frontend.model_file.user_file import UserFile
from frontend.names import parameters_of
from frontend.type_guards import is_list, is_mapping, is_tuple
from frontend.wrappers import network_of
from ir.errors import CompileError, known_names


def config_name(file: UserFile, config: str | None) -> str:
    """The name of a configuration, the first one for None; empty for a file without configurations."""
    configs = getattr(file.module, "CONFIGS", {})
    if not is_mapping(configs) or not all(isinstance(name, str) and name.isprintable() for name in configs):
        raise file.broken(
            "CONFIGS is not a mapping of names", hint="CONFIGS = {name: settings}, names as people write them"
        )
    if config is None:
        return next(iter(configs), "")
    if config not in configs:
        hint = known_names(config, configs)
        raise CompileError("model.config", f"no configuration {config!r}", where=str(file.path), hint=hint)
    return config


def static_inputs(file: UserFile) -> tuple[str, ...]:
    """Names of the inputs without a time axis; a single name in brackets is a string, not a tuple of names."""
    names: Iterable[Any] = getattr(file.module, "STATIC_INPUTS", ())
    if not isinstance(names, tuple | list | set | frozenset) or not all(isinstance(name, str) for name in names):
        raise file.broken("STATIC_INPUTS is not a tuple of names", hint='STATIC_INPUTS = ("name",)')
    return tuple(names)


def training_parts(file: UserFile, parts: Iterable[str]) -> tuple[str, ...]:
    """Names of the parts that run in training only."""
    names: Iterable[Any] = getattr(file.module, "TRAINING_PARTS", ())
    if not isinstance(names, tuple | list | set | frozenset) or not set(names) <= set(parts):
        hint = f'TRAINING_PARTS = ("name",), of {", ".join(parts)}'
        raise file.broken("TRAINING_PARTS is not a tuple of the network's parts", hint=hint)
    return tuple(names)


def energy_table(file: UserFile) -> str | None:
    """The name of the published energy table that the file names, if any."""
    name = getattr(file.module, "ENERGY_TABLE", None)
    if name is not None and not isinstance(name, str):
        raise file.broken(f"ENERGY_TABLE is a {type(name).__name__}, no name", hint='ENERGY_TABLE = "cmsf"')
    return name


def batch_first(file: UserFile) -> bool | None:
    """Whether the file says that inputs are (B, T, ...), or that they are not; None where it does not say."""
    stated = getattr(file.module, "BATCH_FIRST", None)
    if stated is not None and not isinstance(stated, bool):
        raise file.broken(f"BATCH_FIRST is {stated!r}", hint="BATCH_FIRST = True for inputs of shape (B, T, ...)")
    return stated


def steps(file: UserFile, config: str) -> int:
    """T, the number of steps of a sample: the configuration's, else the file's."""
    settings = dict(getattr(file.module, "CONFIGS", {})).get(config)
    number = getattr(settings, "T", getattr(file.module, "T", None))
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        what = f"T, the number of time steps, is {number!r}"
        raise file.broken(what, hint="define T = 4 in the file, or T in the configuration")
    return number


def function(file: UserFile, name: str) -> Callable[..., Any]:
    """A function that every model file has."""
    value = getattr(file.module, name, None)
    if not callable(value):
        raise file.broken(f"the model file has no function {name}")
    return value


def optional(file: UserFile, name: str, config: str) -> Any:
    """What an optional function returns for a configuration; None without it."""
    value = getattr(file.module, name, None)
    return None if value is None else file.call(name, value, config)


def built_parts(file: UserFile, config: str) -> dict[str, nn.Module]:
    """The parts that `build` makes, in eval mode; a single module is the part `network`."""
    built = file.call("build", function(file, "build"), config)
    parts: dict[Any, Any] = dict(built) if is_mapping(built) else {"network": built}
    for name, part in parts.items():
        if not isinstance(part, nn.Module):
            raise file.broken(f"build() returned a {type(part).__name__} for {name}, not a torch module")
    if not parts:
        raise file.broken("build() returned no parts")
    for part in parts.values():
        file.call("eval", network_of, part)
    named = {str(name): part for name, part in parts.items()}
    if len(named) < len(parts) or not "".join(named).isprintable():
        raise file.broken(
            f"build() returned parts called {', '.join(map(repr, parts))}", hint="names are different words"
        )
    return named


def default_weights(file: UserFile, config: str) -> Path | None:
    """The path of the checkpoint that comes with the file, if any."""
    path = optional(file, "weights", config)
    if path is not None and not isinstance(path, str | Path):
        what = f"weights() returned a {type(path).__name__}"
        raise file.broken(what, hint="return the path of a checkpoint, or None")
    return None if path is None else file.resolve(path)


def example_inputs(
    file: UserFile, parts: Mapping[str, nn.Module], config: str, samples: int, seed: int
) -> dict[str, dict[str, torch.Tensor]]:
    """What `example` gives, by part and input name."""
    with file.running():
        example = file.call("example", function(file, "example"), config, samples, seed)
        by_part = example if _is_by_part(example, parts) else {next(iter(parts)): example}
        missing = [part for part in parts if part not in by_part]
        if missing or (len(parts) > 1 and by_part is not example):
            raise file.broken(f"example() gives no inputs for the part {missing[0] if missing else '?'}")
        return {part: _by_name(file, module, by_part[part]) for part, module in parts.items()}


def _is_by_part(example: Any, parts: Mapping[str, nn.Module]) -> bool:
    if not is_mapping(example) or not set(parts) <= set(example):
        return False
    return not isinstance(example[next(iter(parts))], torch.Tensor)


def _by_name(file: UserFile, module: nn.Module, example: Any) -> dict[str, torch.Tensor]:
    """Inputs by the names of forward's parameters; a bare tensor or a tuple goes in order."""
    if isinstance(example, torch.Tensor):
        example = (example,)
    if is_tuple(example) or is_list(example):
        example = dict(zip(parameters_of(module), example, strict=False))
    if not is_mapping(example):
        what = f"example() returned {type(example).__name__}"
        raise file.broken(what, hint="return {input name: tensor} for every part")
    wrong = [pair for pair in example.items() if not (isinstance(pair[0], str) and isinstance(pair[1], torch.Tensor))]
    if wrong:
        name, value = wrong[0]
        what = f"example() returned {{{name!r}: {type(value).__name__}}}"
        raise file.broken(what, hint="return {input name: tensor} for every part")
    return dict(example)
