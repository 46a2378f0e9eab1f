"""`python -m tests.pictures`: draw the pictures of docs/lowering.md, every network as it is and as the compiler lowers it."""

from __future__ import annotations

from pathlib import Path

from hw_profiles.loader import chip
from ir.analysis.resources import node_resources
from ir.deployment import Context, Deployment
from ir.graph import Graph
from ir.pipeline.pipeline import PIPELINE, run
from ir.pipeline.split_phases import split_phases
from tests.pictures.drawing import drawing
from tests.pictures.examples import EXAMPLES, Example
from tests.pictures.graphs import deployed_picture, source_picture

FOLDER = Path(__file__).parents[2] / "docs" / "lowering"
PASSES = [step for step in PIPELINE if step.level and not step.rounds]
"""Those that make synapses and neurons, before anything is rounded."""


def pictures(name: str) -> dict[str, str]:
    """File -> picture of an example: as the model has it, and as it is lowered."""
    example = EXAMPLES[name]
    graph = example.source(**example.sizes)
    phases = lowered(example, graph)
    notes = [f"+ {what}: {formula.replace('*', ' ')}" for what, formula in costs(example) if formula]
    before = f"{example.source.__name__.replace('_', '-')}-before.svg"
    return {before: drawing(*source_picture(graph), []), f"{name}.svg": drawing(*deployed_picture(phases), notes)}


def lowered(example: Example, graph: Graph) -> list[Deployment]:
    """The phases of a network as synapses and neurons of Loihi 2."""
    context = Context(chip("loihi2"), example.strategies)
    return [run(Deployment.of(phase), context, passes=PASSES) for phase in split_phases(graph)]


def costs(example: Example) -> tuple[tuple[str, str], ...]:
    """What is added, and how much of it, as an example says."""
    return ("neurons", example.neurons), ("synapses", example.synapses)


def added(phases: list[Deployment]) -> tuple[int, int]:
    """Neurons that the model does not have, and synapses of theirs or that are there a second time."""
    rows = [row for phase in phases for row in node_resources(phase.chip) if row.share in ("added", "duplicate")]
    return sum(row.neurons for row in rows), sum(row.synapses for row in rows)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in EXAMPLES:
        for file, picture in pictures(name).items():
            (FOLDER / file).write_text(picture)
