"""One part of a network as the pipeline takes it: read or traced, and checked against its own forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b

import numpy as np
import torch
from torch import nn

from compile.command.progress import Progress
from compile.stages.options import Options
from compile.stages.source import Part, Source
from compile.stages.window_length import repeated, timeless
from frontend.input_domain import input_domains, shown_values
from frontend.netx.network import IntegerNetwork
from frontend.netx.neuron import DECAY_BITS, SHIFT, STATE_BITS
from frontend.netx.slayer import is_slayer, read_slayer
from frontend.nir.round_trip.from_nir import through_nir
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.tracing.import_check import ImportCheck, check_import
from frontend.tracing.trace import trace_in_order
from frontend.tracing.untouched import left_as_it_was
from frontend.wrappers import eagerly
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import Graph
from ir.profile import Profile
from ir.types import Domain


@dataclass(frozen=True)
class Imported:
    """A network as the pipeline takes it."""

    deployment: Deployment
    level: str
    check: ImportCheck | None = None
    order: AxisOrder = TIME_FIRST
    graph_at: Callable[[int], Graph] | None = None
    """The network at another number of steps; None where it has no steps of its own."""


@eagerly()
def import_part(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> Imported:
    """The part as graphs, checked against the torch module where there is one."""
    if isinstance(part.network, IntegerNetwork) or is_slayer(part.network):
        _check_integer_options(part, options, profile)
        network = part.network if isinstance(part.network, IntegerNetwork) else _from_slayer(part)
        scales = {network.readout: network.scale} if network.readout else {}
        return Imported(replace(network.deployment, scales=scales), "quantized")
    if isinstance(part.network, Graph) and part.network.is_integer:
        _check_integer_options(part, options, profile)
        return Imported(Deployment.of(part.network), "quantized")
    if isinstance(part.network, Graph):
        at = partial(timeless, part.network) if part.network.steps else None
        return Imported(Deployment.of(part.network), "source", graph_at=at)
    example = dict(part.calibration)
    domains = _domains(part, source.static, options.domains)
    trace = partial(trace_in_order, part.network, example, source.static, source.steps, part.name)
    traced = trace(source.batch_first, domains)
    progress.lap("trace")
    graph, _ = through_nir(traced.graph)  # so that the interchange file holds everything
    progress.lap("nir")
    try:
        check = check_import(part.network, graph, example, traced.order)
    except CompileError as error:
        if error.rule == "import.mismatch" and trace(traced.order.batch_first, domains).graph != traced.graph:
            raise _not_a_function(part) from error
        raise
    progress.lap("check the import")
    at = partial(_module_at, part, source, traced.order, domains, _weights(part.network))
    return Imported(Deployment.of(graph), "source", check, traced.order, at)


def _not_a_function(part: Part) -> CompileError:
    what = "the module computes something else when it runs again on the same inputs"
    hint = "draw random numbers outside of forward, and keep state in neuron layers only"
    return CompileError("import.random", what, where=part.name, hint=hint)


def _weights(module: nn.Module) -> bytes:
    """A digest of a module's parameters."""
    found = blake2b()
    for name, parameter in module.named_parameters():
        found.update(name.encode())
        found.update(parameter.detach().cpu().flatten().view(torch.uint8).numpy())
    return found.digest()


@eagerly()
def _module_at(
    part: Part, source: Source, order: AxisOrder, domains: Mapping[str, Domain], weights: bytes, steps: int
) -> Graph:
    """A module with the parameters that it was compiled with, imported at another number of steps, and checked there."""
    if _weights(part.network) != weights:
        raise CompileError("run.steps", "the module has other parameters by now", where=part.name)
    example = repeated(part.calibration, source.static, 1 if order.batch_first else 0, steps)
    with left_as_it_was(part.network), source.running():
        module = part.network.eval()
        traced = trace_in_order(module, example, source.static, steps, part.name, order.batch_first, domains)
        if traced.order != order:
            what = f"with {steps} steps its outputs have other axes"
            raise CompileError("import.outputs", what, where=part.name)
        graph, _ = through_nir(traced.graph)
        check_import(module, graph, example, order)
    return graph


def _domains(part: Part, static: tuple[str, ...], stated: Mapping[str, str]) -> dict[str, Domain]:
    """What every input takes that changes in time: what the user states, else what all samples show that there are."""
    shown = shown_values(part.calibration, static)
    if part.example is not part.calibration:
        more = shown_values(part.example, static)
        shown = {name: np.append(array, more.get(name, ())) for name, array in shown.items()}
    return input_domains({name: text for name, text in stated.items() if name in part.calibration}, shown)


def _check_integer_options(part: Part, options: Options, profile: Profile) -> None:
    """Refuse what makes no sense for a network that is integers from the start."""
    if options.precision != "int":
        what = "the network is integers already, and nothing says which real numbers they stand for"
        raise CompileError("options.precision", what, where=part.name, hint="use --precision int")
    if options.lower:
        what = "the network is synapses and neurons already"
        raise CompileError("options.lower", what, where=part.name, hint="leave it out")
    widths, needed = profile.arithmetic, (DECAY_BITS, STATE_BITS, SHIFT)
    if (widths.decay_bits, widths.state_bits, widths.activation_shift) != needed:
        what = f"profile {profile.name} computes with other integers than the network: not {needed} for decays, states, shift"
        raise CompileError("options.profile", what, where=part.name, hint="use a profile of Loihi")


def _from_slayer(part: Part) -> IntegerNetwork:
    """A SLAYER module with its one input."""
    if len(part.calibration) != 1:
        what = f"the network takes {len(part.calibration)} inputs, not one"
        raise CompileError("slayer.inputs", what, where=part.name)
    ((name, inputs),) = part.calibration.items()
    return read_slayer(part.network, part.name, np.asarray(inputs), name)
