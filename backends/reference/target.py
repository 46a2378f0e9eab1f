"""The target `gpu`: the torch reference, on CUDA where there is a GPU, else on the processor."""

from __future__ import annotations

from backends.interpreter import InterpreterEngine
from backends.reference.engine import ReferenceEngine
from backends.target import Target, Twin
from ir.pipeline.pipeline import PIPELINE

GPU = Target(
    name="gpu",
    title="the batch-parallel torch reference, on CUDA where there is a GPU",
    profile="loihi2",
    passes=PIPELINE,
    engine=lambda chip, profile, cores: ReferenceEngine(chip),
    twin=Twin("interpreter", InterpreterEngine, samples=2, sums_alike=False),
)
