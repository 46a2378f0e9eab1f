"""What is known of a compilation comes back from JSON as it was: the check of the import, what rounding did, a NIR file's reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nir
import numpy as np

from compile import compile_model
from compile.compiled_program import CompiledProgram
from compile.stages.program_file.origin_content import import_check_of, origin_content, quantizations_of, reading_of

X = (np.random.default_rng(0).random((2, 5, 6)) < 0.5).astype(np.float32)


def content_of(program: CompiledProgram) -> dict[str, Any]:
    assert program.origin is not None
    return json.loads(json.dumps(origin_content(program.origin)))


def test_a_torch_module_has_a_check_of_its_import_and_what_rounding_did(tiny: Path):
    program = compile_model(tiny, target="gpu")
    content, origin = content_of(program), program.origin
    assert origin is not None
    assert origin.build.imported is not None
    assert import_check_of(content) == origin.build.imported
    (found,), rounding = quantizations_of(content), program.deployment.quantization
    assert found is not None
    assert rounding is not None
    assert found.layers == rounding.layers
    assert content["classes"] == {"lif1": "Linear, LIFNode", "lif2": "Linear, LIFNode"}
    assert reading_of(content, origin.build.source) is None


def test_a_nir_file_has_its_reading_and_what_looks_like_a_mistake():
    ones = np.ones(6, np.float32)
    lif = nir.LIF(tau=20 * ones, r=ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones)
    graph = nir.NIRGraph.from_list(nir.Linear(np.eye(6, dtype=np.float32)), lif)
    program = compile_model(graph, target="gpu", precision="float", dt=1e-3, semantics={"reset": "subtract"}, example=X)
    content, origin = content_of(program), program.origin
    assert origin is not None
    reading = origin.source.reading
    assert reading is not None
    assert reading.reading is not None
    assert reading.lints
    again = reading_of(content, origin.build.source)
    assert again is not None
    assert again.reading is not None
    assert (again.lints, again.names) == (reading.lints, dict(reading.names))
    assert again.reading.record() == reading.reading.record()
    assert import_check_of(content) is None
    assert quantizations_of(content) == [None]
