"""Which engine runs a chip graph; engines are imported when they are needed, as Lava takes seconds and is not everywhere."""

from __future__ import annotations

from dataclasses import replace

from backends.host import HostEngine
from backends.trace import Engine
from compile.stages.options import Options
from compile.stages.program import Program
from ir.graph import Graph


def check_target(options: Options) -> None:
    """Raise CompileError where the target cannot run on this machine at all; before anything slow happens."""
    if options.target == "loihi":
        from backends.lava.engine import require_lava

        require_lava()


def engine_of(chip: Graph, options: Options, on_target: bool) -> Engine:
    """The target's engine; the floating twin of an integer network always runs on the reference."""
    if not chip.nodes:
        return HostEngine()
    if options.target == "loihi" and on_target:
        from backends.lava.engine import LavaEngine

        return LavaEngine(chip)
    from backends.reference.engine import ReferenceEngine

    return ReferenceEngine(chip)


def reference_twin(program: Program) -> Program:
    """The same network on the torch reference."""
    if not program.deployment.chip.nodes:
        return program
    from backends.reference.engine import ReferenceEngine

    return replace(program, target="gpu", engine=ReferenceEngine(program.deployment.chip))
