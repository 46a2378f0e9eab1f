"""The weights that come with the repository, in the chip's integers: no layer that fires in the source falls silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile.command.progress import Progress
from compile.measure.spike_match import match_spikes
from compile.stages.build import build_part
from compile.stages.load import load_source
from compile.stages.options import Options

ROOT = Path(__file__).parents[2]
WEIGHTS = sorted((ROOT / "models" / "weights").glob("*.pt"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in WEIGHTS])
def test_no_layer_falls_silent(name: str) -> None:
    """A file's name is its model's and the configuration's."""
    model, _, config = name.partition("-")
    options = Options(target="gpu", config=config, samples=4)
    source, firing = load_source(ROOT / "models" / f"{model}.py", options), 0
    assert source.weights.endswith(f"{name}.pt")
    with source.running():
        for part in source.parts:
            build = build_part(part, source, options, options.hardware(), Progress(quiet=True))
            compiled, floats = build.program.run(part.example), build.floating.run(part.example)
            matches = match_spikes(floats, compiled)
            fires = {layer for layer, match in matches.items() if match.kept + match.lost}
            silent = {layer for layer in fires if not matches[layer].kept + matches[layer].added}
            assert not silent
            firing += len(fires)
    assert firing > 3
