"""What `compile_model` gives: a program that knows what it was compiled from, so that it reports, is saved and loaded."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from backends.emitters import emitter
from backends.netx.emitted_file import EmittedFile
from compile.command.progress import Progress
from compile.measure.metric import Metric
from compile.output.atomic_file import write_atomically
from compile.report.inference import inference
from compile.report.part_report import part_report, sample_metrics
from compile.report.report import Report
from compile.stages.batches import batches_of
from compile.stages.origin import Origin
from compile.stages.program import Program
from compile.stages.program_file.program_file import read_program, write_program
from ir.errors import CompileError


@dataclass(frozen=True, repr=False)
class CompiledProgram(Program):
    """Runs one part of a network, and reports on it."""

    origin: Origin | None = field(default=None, repr=False, compare=False)
    """What it was compiled from; None where its file is of a format that did not say so."""

    @classmethod
    def of(cls, program: Program, origin: Origin | None) -> CompiledProgram:
        """A program with its origin."""
        return cls(**{each.name: getattr(program, each.name) for each in fields(Program)}, origin=origin)

    @classmethod
    def load(cls, path: str | Path, target: str | None = None) -> CompiledProgram:
        """
        Read a program that `save` wrote; it needs neither the module nor the file that it was compiled from.

        Args:
            path: the file.
            target: where it is to run; by default where it was compiled for.

        Returns:
            a program that runs to the same spikes and gives the same reports.

        Raises:
            CompileError: there is no such file, it is no whole program, or one of a later format.
            DeployError: the target cannot run it.
        """
        return cls.of(*read_program(Path(path), target))

    def save(self, path: str | Path) -> None:
        """
        Write the program into one file, without pickle, whole or not at all: `load` reads it anywhere.

        Raises:
            CompileError: the file cannot be written.
        """
        write_program(self, self.origin, Path(path))

    def emit(self, file_format: str, path: str | Path | None = None) -> EmittedFile:
        """
        The chip's network as a file that another tool runs, spike for spike; "netx" is lava-dl's.

        Args:
            path: where to write it, whole or not at all; by default nowhere.

        Returns:
            its content, what it is to be loaded with, and where inputs and outputs lie.

        Raises:
            CompileError: there is no such format, the network is not integers in one phase, or the file cannot be written.
            DeployError: the other tool lacks what the network needs; with all of it.
        """
        file = emitted_file(self, file_format)
        if path is not None:
            try:
                write_atomically(Path(path), file.content)
            except OSError as error:
                raise CompileError("program.write", error.strerror or str(error), where=str(path)) from None
        return file

    def report(self, samples: Any = None, labels: Any = None, metric: Metric | None = None) -> Report:
        """
        Run samples and account for them as the command line does: layers, rates, energy, spikes kept and lost, the verdict of
        the twin, and what a metric says of the source, the lowered network in its arithmetic and the compiled one.

        Args:
            samples: inputs as `run` takes them, or an iterable of batches, as a DataLoader is: inputs or (inputs, labels). The
                hidden layers' spikes are counted batch by batch and not kept. By default the example of the compilation.
            labels: of inputs that are not batches, one label per sample: (B, ...).
            metric: function of (outputs, labels) that gives a number or {name: number}; accuracy by default, where there are
                labels. It gets the outputs of all samples, an array where there is one, else {name: array}.

        Returns:
            what prints itself, and has `accuracy`, `metrics`, `parts`, `plain()`, `to_pandas()` and `save(folder)`.

        Raises:
            CompileError: samples or labels do not fit, there are none, or the program's origin is not known.
        """
        if self.origin is None:
            what = "the file that the program was read from does not hold the network that it was compiled from"
            raise CompileError("report.source", what, where=self.name, hint="compile the network again, and save it")
        build, source = replace(self.origin.build, program=self), self.origin.source
        if metric is not None and not callable(metric):
            what = f"metric= is a {type(metric).__name__}, no function of outputs and labels"
            raise CompileError("report.metric", what, where=self.name)
        if samples is None and not build.part.example:
            hint = "pass inputs, or batches: a file holds no examples"
            raise CompileError("report.samples", "there are no samples", where=self.name, hint=hint)
        progress = Progress(quiet=True)
        batches = batches_of(self, build.part.example if samples is None else samples, labels)
        options = replace(self.origin.options, target=self.target, emission=self.emission)
        prices = options.price_profiles(self.profile)
        part = part_report(build, source, batches, progress, prices)
        energy, metrics = inference([part], source.follow_up, prices), sample_metrics(part.run, metric)
        return Report(source, options, self.profile.name, (part,), energy, metrics, progress.seconds)


def emitted_file(program: Program, file_format: str) -> EmittedFile:
    """The file of a program in another tool's format; errors as of `CompiledProgram.emit`."""
    chosen, chip = emitter(file_format), program.deployment.chip
    if len(program.phases) > 1 or (chip.nodes and not chip.is_integer):
        own = "floats" if len(program.phases) == 1 else f"{len(program.phases)} phases, with the host between them"
        what = f"{file_format} is one network of integers, and this one is {own}"
        raise CompileError("program.emit", what, where=program.name, hint="compile it with integers, for one phase")
    return chosen.emit(chip)


def load_program(path: str | Path, target: str | None = None) -> CompiledProgram:
    """The same as `CompiledProgram.load`."""
    return CompiledProgram.load(path, target)
