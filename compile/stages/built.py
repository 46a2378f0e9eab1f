"""Everything that compiling one part produced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compile.stages.program import Program
from compile.stages.source import Part
from frontend.tracing.import_check import ImportCheck
from ir.analysis.schedule import Schedule
from ir.graph import Graph
from ir.quantize.network import QuantizationReport


@dataclass(frozen=True)
class Build:
    """One compiled part; floating: the lowered network before quantisation; texts: pass name -> IR text after it, in order."""

    part: Part
    source: Graph
    nir: Any
    imported: ImportCheck | None
    floating: Program
    integer: Program | None
    quantization: QuantizationReport | None
    schedule: Schedule
    texts: Mapping[str, str]

    @property
    def program(self) -> Program:
        """What runs on the target: the integer network, or the floating one where that was asked for."""
        return self.integer or self.floating

    def source_inputs(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Checked inputs as the source network takes them: integers where it is one of integers itself."""
        if not self.source.is_integer:
            return self.program.host_inputs(inputs)
        return {name: value.astype(np.int64) for name, value in self.program.chip_inputs(inputs).items()}
