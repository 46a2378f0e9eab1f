"""One part that is integers from the start (lava-dl's): nothing is lowered or rounded, and there is no float twin."""

from __future__ import annotations

import numpy as np

from backends.reference.engine import ReferenceEngine
from compile.command.progress import Progress
from compile.stages.built import Build
from compile.stages.engines import engine_of
from compile.stages.options import Options
from compile.stages.program import Program
from compile.stages.source import Part, Source
from frontend.netx.network import IntegerNetwork
from frontend.netx.neuron import DECAY_BITS, SHIFT, STATE_BITS
from frontend.netx.slayer import read_slayer
from frontend.nir.round_trip.to_nir import to_nir
from hw_profiles import Profile
from ir.analysis.schedule import schedule
from ir.errors import CompileError
from ir.text import graph_text


def build_integers(part: Part, source: Source, options: Options, profile: Profile, progress: Progress) -> Build:
    """
    Compile one part whose network is an `IntegerNetwork`, or a SLAYER module; see `compile.stages.build.build_part`.

    The chip's graph is the source network, too, and the reference that runs it is what other parts have for floats.
    """
    _check_options(part, options, profile)
    with progress.stage(f"{part.name}: import"):
        network = part.network if isinstance(part.network, IntegerNetwork) else _from_module(part)
        chip = network.deployment.chip
        texts = {"import": graph_text(chip)}
        scales = {network.readout: network.scale} if network.readout else {}
        twin = Program(part.name, options.target, network.deployment, ReferenceEngine(chip), scales)
        on_target = Program(part.name, options.target, network.deployment, engine_of(chip, options, True), scales)
    return Build(part, chip, to_nir(chip), None, twin, on_target, None, schedule(chip), texts)


def _check_options(part: Part, options: Options, profile: Profile) -> None:
    if options.precision != "int":
        what = "the network is integers already, and nothing says which real numbers they stand for"
        raise CompileError("options.precision", what, where=part.name, hint="use --precision int")
    if options.lower:
        raise CompileError(
            "options.lower", "the network is synapses and neurons already", where=part.name, hint="leave it out"
        )
    own, needed = profile.arithmetic, (DECAY_BITS, STATE_BITS, SHIFT)
    if (own.decay_bits, own.state_bits, own.activation_shift) != needed:
        what = f"profile {profile.name} computes with other integers than the network: not {needed} for decays, states, shift"
        raise CompileError("options.profile", what, where=part.name, hint="use a profile of Loihi")


def _from_module(part: Part) -> IntegerNetwork:
    """A SLAYER module with its one input."""
    if len(part.calibration) != 1:
        raise CompileError(
            "slayer.inputs", f"the network takes {len(part.calibration)} inputs, not one", where=part.name
        )
    ((name, inputs),) = part.calibration.items()
    return read_slayer(part.network, part.name, np.asarray(inputs), name)
