"""Reads whatever the user named into a `Source`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from torch import nn

from compile.command.quick_spikingjelly import import_spikingjelly
from compile.output.npz import read_arrays
from compile.stages.options import Options
from compile.stages.samples import random_inputs
from compile.stages.source import Example, Part, Source
from frontend.input_domain import input_domains, stated_domain
from frontend.model_file.model_file import ModelFile, load_model_file
from frontend.names import parameters_of
from frontend.netx.network import IntegerNetwork, read_net
from frontend.nir.import_nir import import_nir
from frontend.nir.reading.values import as_array
from frontend.recording.dtype import check_parameters, in_dtype_of
from frontend.tracing.first_axis import steps_of_repeated
from frontend.type_guards import is_mapping
from frontend.wrappers import eagerly, made_from_network, network_of
from ir.errors import CompileError, known_names

RUN_SEED, CALIBRATION_SEED = 0, 1
CALIBRATION_SAMPLES = 256
LARGE_INPUT_VALUES, LARGE_PARAMETERS = 1 << 14, 1 << 22
"""A network with more input values per sample, or more parameters, is checked and calibrated on the samples of the run only."""
PACKAGES = Path(__file__).parents[2]
"""Where the compiler's packages are, `models` with the networks that come with it among them."""


def load_source(network: Any, options: Options, example: Example | None = None) -> Source:
    """
    Read whatever the user named.

    Raises:
        CompileError: it is none of the things that can be compiled, or it, its weights or its inputs are not in order.
    """
    if isinstance(network, str | Path):
        source = _from_path(_bundled(Path(network)), options, example or Example())
    else:
        source = _from_object(network, options, example or Example())
    if options.batch_first is not None and not isinstance(source.parts[0].network, nn.Module):
        what = f"{source.name} is no torch module: its inputs are (T, B, ...)"
        raise CompileError("options.batch-first", what, hint="leave --batch-first out")
    stated = [flag for flag in ("dt", "semantics") if getattr(options, flag) is not None]
    if stated and source.reading is None:
        what = f"--{stated[0]} is about NIR files; {source.name} says itself what it computes"
        raise CompileError(f"options.{stated[0]}", what, where=source.name, hint=f"leave --{stated[0]} out")
    _check_domains(source, options.domains)
    return source


def _check_domains(source: Source, domains: Mapping[str, str]) -> None:
    """Refuse domains of inputs that there are not, and of networks that say themselves what their inputs take."""
    inputs = dict.fromkeys(name for part in source.parts for name in part.calibration if name not in source.static)
    for name, text in domains.items():
        stated_domain(name, text)
        if name not in inputs:
            what = f"no input {name!r} that changes in time"
            raise CompileError("inputs.domain", what, where=source.name, hint=known_names(name, inputs))
    if domains and isinstance(source.parts[0].network, IntegerNetwork):
        what = "the network is integers already: its inputs are what it says"
        raise CompileError("inputs.domain", what, where=source.name, hint="leave --domain out")


def _bundled(path: Path) -> Path:
    """Find a model that comes with the compiler from any folder, where `models/NAME.py` is no file of the user's."""
    bundled = PACKAGES / path
    return bundled if path.parts[:1] == ("models",) and bundled.is_file() and not path.exists() else path


def _from_path(path: Path, options: Options, example: Example) -> Source:
    kind = path.suffix.lower()
    if kind == ".py":
        return _from_model_file(path, options)
    if kind == ".nir":
        return _from_nir(path, path.stem, options, example)
    if kind == ".net":
        return _from_net(path, options, example)
    hint = "name a model file (.py), a NIR file (.nir) or a lava-dl file (.net)"
    raise CompileError("source.kind", f"cannot compile {path}", hint=hint)


def _from_object(network: Any, options: Options, example: Example) -> Source:
    if isinstance(network, nir.NIRGraph):
        return _from_nir(network, "network", options, example)
    if isinstance(network, nn.Module):
        return _from_module(network_of(network), options, example)
    if isinstance(network, torch.export.ExportedProgram):
        raise made_from_network(type(network).__name__)
    hint = "pass a path, a torch module or a NIR graph"
    raise CompileError("source.kind", f"cannot compile a {type(network).__name__}", hint=hint)


def _from_model_file(path: Path, options: Options) -> Source:
    weights = None if options.weights is None else Path(options.weights)
    import_spikingjelly()
    model = load_model_file(path, options.config, weights)
    names = _chosen(tuple(model.parts), options.part, str(path))
    for name in names:
        check_parameters(model.parts[name], name, str(path))
    shown = _examples(model, options.samples, RUN_SEED)
    large = any(_is_large(model.parts[name], shown[name]) for name in names)
    other = shown if large else _examples(model, CALIBRATION_SAMPLES, CALIBRATION_SEED)
    _check_static(model.static, [name for example in shown.values() for name in example], str(path))
    return Source(
        name=model.name,
        config=model.config,
        steps=model.steps,
        static=model.static,
        parts=tuple(
            Part(name, model.parts[name], shown[name], other[name], training=name in model.training_parts)
            for name in names
        ),
        task=model.task,
        weights=str(model.weights or ""),
        energy_table=model.energy_table,
        follow_up=model.follow_up,
        batch_first=model.batch_first if options.batch_first is None else options.batch_first,
        remarks=tuple(remark for name in names for remark in _of_other_samples(name, shown[name], model, options)),
        running=model.running,
    )


def _of_other_samples(part: str, example: Mapping[str, Any], model: ModelFile, options: Options) -> Iterator[str]:
    """A remark for each input of a part that has not as many samples as were asked for."""
    for name, value in example.items():
        sizes = list(value.shape[: 1 if name in model.static else 2])
        if len(sizes) > 1 and model.steps in sizes:
            sizes.remove(model.steps)
        if options.samples not in sizes:
            shape = tuple(value.shape)
            yield f"{part}: example() gives {name} of shape {shape} where {options.samples} samples are asked for"


def _is_large(module: nn.Module, example: Mapping[str, Any]) -> bool:
    values = sum(value[:1].numel() for value in example.values())
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return values > LARGE_INPUT_VALUES or parameters > LARGE_PARAMETERS


def _examples(model: ModelFile, samples: int, seed: int) -> dict[str, dict[str, Any]]:
    """A model file's examples by part and name, as numbers of the dtype that each part computes in."""
    return {part: in_dtype_of(model.parts[part], example) for part, example in model.examples(samples, seed).items()}


@eagerly()
def _from_module(network: Any, options: Options, example: Example) -> Source:
    _refuse_model_flags(type(network).__name__, options)
    if example.inputs is None:
        what, hint = "a bare module needs example inputs", "pass example=, of shape (T, B, ...)"
        raise CompileError("source.example", what, hint=hint)
    check_parameters(network, type(network).__name__, "")
    inputs = _named_tensors(network, example.inputs)
    _check_static(example.static, inputs, type(network).__name__)
    if not example.steps and not example.static and options.batch_first is None:
        steps = steps_of_repeated(network, inputs)
        example = example if steps is None else Example(inputs, tuple(inputs), steps)
    if not example.steps and set(inputs) <= set(example.static):
        raise CompileError("source.steps", "all inputs are static, so T is unknown", hint="pass steps=")
    (name,) = _chosen((type(network).__name__,), options.part, "")
    part = Part(name, network, inputs, inputs)
    return Source(name, "", example.steps, example.static, (part,), batch_first=options.batch_first)


def _from_nir(network: Any, name: str, options: Options, example: Example) -> Source:
    _refuse_model_flags(name, options)
    inputs = example.inputs if options.inputs is None else read_arrays(options.inputs)
    named = inputs if is_mapping(inputs) else dict[str, Any]()
    imported = import_nir(network, options.semantics, options.dt, _domains(named, options.domains), name)
    if inputs is not None and not is_mapping(inputs):
        first = imported.graph.inputs[0].name
        named = {imported.names.get(first, first): inputs}
        imported = import_nir(network, options.semantics, options.dt, _domains(named, options.domains), name)
    graph = imported.graph
    (name,) = _chosen((graph.name or name,), options.part, name)
    counts = [array.shape[1] for key, value in named.items() if (array := _array(key, value)).ndim > 1]
    samples = counts[0] if counts else options.samples
    random = {imported.names.get(key, key): value for key, value in random_inputs(graph, samples, RUN_SEED).items()}
    unknown = [key for key in named if key not in random]
    if unknown:
        what, hint = f"the network has no input {unknown[0]!r}", known_names(unknown[0], random)
        raise CompileError("nir.input", what, where=name, hint=hint)
    inputs = {**random, **named}
    static = tuple(node.name for node in graph.inputs if node.type.static)
    return Source(
        name, "", graph.steps, static, (Part(name, graph, inputs, inputs, drawn=not named),), reading=imported
    )


def _from_net(path: Path, options: Options, example: Example) -> Source:
    """Read a lava-dl file; the shape of its input is that of the inputs that we have, where it does not say one itself."""
    _refuse_model_flags(path.name, options)
    inputs = example.inputs if options.inputs is None else read_arrays(options.inputs)
    named: Mapping[str, Any] = inputs if is_mapping(inputs) else {} if inputs is None else {"input": inputs}
    network = read_net(path, next((np.shape(value)[2:] for value in named.values()), None))
    (name,) = _chosen((path.stem,), options.part, path.name)
    inputs = {**random_inputs(network.deployment.prologue, options.samples, RUN_SEED), **named}
    return Source(name, "", 0, (), (Part(name, network, inputs, inputs, drawn=not named),))


def _refuse_model_flags(name: str, options: Options) -> None:
    """Refuse flags that only model files heed."""
    for flag in ("config", "weights"):
        if getattr(options, flag) is not None:
            raise CompileError(
                f"options.{flag}", f"only a model file (.py) heeds --{flag}", where=name, hint=f"leave --{flag} out"
            )


def _array(name: str, value: Any) -> Any:
    try:
        return as_array(value)
    except CompileError as error:
        raise CompileError("run.dtype", f"input {name!r} {error.what}") from error


def _domains(inputs: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, str]:
    """Input -> what it takes: what the user states, else what the values show."""
    shown = {name: _array(name, value) for name, value in inputs.items()}
    known = {name: text for name, text in stated.items() if name in shown}
    return {**stated, **{name: str(domain) for name, domain in input_domains(known, shown).items()}}


def _chosen(names: tuple[str, ...], part: str | None, where: str) -> tuple[str, ...]:
    """Return all parts, or the one asked for."""
    if part is not None and part not in names:
        raise CompileError("options.part", f"no part {part!r}", where=where, hint=known_names(part, names))
    return names if part is None else (part,)


def _named_tensors(module: Any, inputs: Any) -> dict[str, Any]:
    """Name example inputs after forward's parameters."""
    names = list(parameters_of(module))
    named = inputs if is_mapping(inputs) else {names[0]: inputs}
    return in_dtype_of(module, {str(name): _tensor(str(name), value) for name, value in named.items()})


def _tensor(name: str, value: Any) -> torch.Tensor:
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:  # texts, objects, lists of different lengths
        raise CompileError("run.dtype", f"input {name!r} is no array of numbers: {error}") from None


def _check_static(static: Sequence[str], inputs: Iterable[str], where: str) -> None:
    """Refuse names of static inputs that are no inputs."""
    unknown = [name for name in static if name not in inputs]
    if unknown:
        what = f"static input {unknown[0]!r} is no input of the network"
        raise CompileError("inputs.static", what, where=where, hint=known_names(unknown[0], inputs))
