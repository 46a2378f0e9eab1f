"""The benchmark's tables are complete, on networks small enough for a test; other packages' neurons compute what SpikingJelly's do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

import hw_profiles
from backends.reference.cuda import products
from backends.reference.engine import ReferenceEngine
from compile.benchmark import turns
from compile.benchmark.table import Table
from compile.command.exit_code import exit_code
from ir.errors import CompileError
from ir.mapping.board import Board
from ir.mapping.layout.partition import is_available
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.split import plain_map
from ir.mapping.timing.traffic import on_blocks, traffic
from models import snnergy
from models.layers.image_attention import attend
from tests.bench import (
    fusion_table,
    gpu_table,
    growth_plot,
    growth_table,
    lava_table,
    map_table,
    place_table,
    reference_table,
    system_table,
)
from tests.bench.__main__ import measure
from tests.bench.allocated import peak_bytes
from tests.bench.compiler_tables import PRINTED
from tests.bench.fewest_hops import fewest_hops
from tests.bench.layered_nets import LayeredNet
from tests.bench.networks import NETWORKS, Network, mlp
from tests.bench.peers import installed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)


@pytest.fixture(scope="module")
def small() -> Network:
    return mlp((20, 16, 5), steps=4)


@pytest.mark.parametrize("name", PRINTED)
def test_halved_layers_keep_all_limits(name: str):
    graph, profile = PRINTED[name].graph(), hw_profiles.load(map_table.PROFILE)
    cores = system_table.halved_map(graph, profile)
    cores.check(graph)
    assert LoadCounter(graph, profile).of(cores.core_of).over(core_limits(profile)) == {}
    assert cores.cores >= plain_map(graph, profile).cores
    for on in cores.core_of.values():
        assert on.tolist() == sorted(on)
        assert np.ptp(np.bincount(on - on[0])) <= 1


def test_every_case_is_a_known_network():
    for cases in (reference_table.BATCHES, reference_table.QUICK, lava_table.SAMPLES, lava_table.QUICK):
        assert set(cases) <= set(NETWORKS)
    assert set(reference_table.BATCHES) == set(lava_table.SAMPLES) == set(NETWORKS)


def test_the_reference_table_is_complete(small: Network):
    table = reference_table.table_of([("small", small, 1), ("small", small, 3)], rounds=1)
    assert [row[:2] for row in table.rows] == [("small", 1), ("small", 3)]
    for row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        assert cells["differing values"] == 0
        assert cells[f"{reference_table.WRITTEN} / engine"] is None  # a chain has no host part
        for name in ("engine without int8 / engine", "SpikingJelly / engine", "engine / float32 products"):
            value = cells[name]
            assert isinstance(value, float)
            assert value > 0


@pytest.mark.lava
def test_the_lava_table_is_complete(small: Network):
    samples = {lava_table.FUSED: 2, lava_table.LANES: 3, lava_table.STOCK: 1, lava_table.BY_HAND: 1}
    table = lava_table.table_of({"small": (small, samples)}, rounds=1)
    assert [row[1:3] for row in table.rows] == list(samples.items())
    for row in table.rows:
        cells = dict(zip(table.columns, row, strict=True))
        assert cells["differing values"] == 0
        assert cells["stock / this"] == 1.0 or cells["emission"] != lava_table.STOCK
        assert all(isinstance(cells[name], float) for name in ("ms per sample", "stock / this", "by hand / this"))


def test_the_growth_table_and_its_plot(small: Network, tmp_path: Path):
    axes = {name: growth_table.Axis((1, 2, 4), lambda batch: (small, batch), "small") for name in ("D", "batch")}
    table = growth_table.table_of(axes, dict.fromkeys(axes, (1, 2, 4)), rounds=1)
    assert [row[:2] for row in table.rows] == [(name, size) for name in ("D", "batch") for size in (1, 2, 4)]
    for name in ("once", "again"):
        growth_plot.plot(table, tmp_path / f"{name}.svg")
    picture = (tmp_path / "once.svg").read_text()
    assert picture == (tmp_path / "again.svg").read_text()
    words = [word for word in ("batch from 1 to 4", "D from 1 to 4", "exponent 1", "exponent 2") if word in picture]
    assert len(words) == 4
    assert picture.index("batch from") < picture.index("D from"), "always in one order"


def test_the_axes_are_those_of_the_plot():
    assert list(growth_table.AXES) == list(growth_table.QUICK_SIZES) == [name for name, *_ in growth_plot.STYLES]
    for name, sizes in growth_table.QUICK_SIZES.items():
        assert set(sizes) < set(growth_table.AXES[name].sizes)


def test_exponents():
    assert growth_table.exponent((4, 8, 16), (3.0, 6.0, 12.0)) == pytest.approx(1)
    assert growth_table.exponent((256, 512, 1024), (1.0, 4.0, 16.0)) == pytest.approx(2)


def test_blocks_of_every_size_can_be_built():
    network, batch = growth_table.AXES["D"].case(256)
    assert batch == 8
    assert network.program.deployment.chip.inputs[0].type.shape == (36, 256)


def test_the_table_of_fusions_is_complete():
    stage = fusion_table.Stage(snnergy.CONFIGS["av-digits"], 2)
    table = fusion_table.table_of([stage], rounds=1)
    cells = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["attention"] for row in cells] == list(fusion_table.ATTENTIONS)
    assert {(row["base"], row["stage"], row["N"], row["D"]) for row in cells} == {(16, 2, 16, 32)}
    assert cells[0]["inference / CMQKA's"] == cells[0]["training / CMQKA's"] == 1
    for row in cells:
        measured = [row[name] for name in table.columns[5:11]]
        assert all(isinstance(cell, float) and cell > 0 for cell in measured)
        assert measured[5] > measured[4], "what backward needs is kept"
    chosen = [row["attention"] for row in cells if row["events, M"]]
    assert chosen == ["CMQKA", "SSA, Q (K^T V)", "S-CMRL, Q (K^T V)"]
    own = [row["neurons, M"] for row in cells if row["attention"] == "CMQKA"]
    assert own == [(2 * 2 * 16 * 32 + 2 * 2 * 16) / 1e6], "queries and keys of two paths, two masks of two heads"


def test_cores_are_those_that_a_compiler_printed():
    rows = [dict(zip(map_table.COLUMNS, row, strict=True)) for row in map_table.table(quick=True).rows]
    assert len(rows) == 10 + 9 + 3 + 2 + 4
    for row in rows:
        assert row["their rules"] == row["printed"], row
        assert row["plain, by layer"] <= row["printed"], row
    (pilotnet,) = (row for row in rows if (row["network"], row["layer"]) == ("PilotNet SNN", "all"))
    assert (pilotnet["printed"], pilotnet["neurons"], pilotnet["bound"]) == (74, 158509, 39)
    assert pilotnet["plain, by layer"] <= 55
    assert pilotnet["plain"] <= 48


@pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")
def test_placed_nets_save_hops_every_time():
    rows = [
        dict(zip(place_table.COLUMNS, row, strict=True))
        for row in place_table.rows_of(LayeredNet(4, 8, 8), Board(3, 3))
    ]
    assert [row["way"] for row in rows] == list(place_table.WAYS)
    contiguous, *_, ours, best = rows
    assert best["hops"] is None
    assert ours["same twice"] == "yes"
    assert ours["visits"] < contiguous["visits"]
    assert ours["hops"] == min(row["hops"] for row in rows[:-1])
    larger = place_table.rows_of(LayeredNet(4, 8, 8), Board(13, 5))
    assert [row[3] is None for row in larger] == [False, False, True, False, True]


@pytest.mark.parametrize("seed", range(3))
def test_the_fewest_hops_are_those_of_the_best_of_all_layouts(seed: int):
    graph, board = LayeredNet(3, 1, 2).graph(seed), Board(3, 1, hop_x=2)

    def hops(core: Sequence[int]) -> float:
        return traffic(on_blocks(graph.nets, np.array(core)), board.places, board).hops

    core, places = fewest_hops(graph, 3, board)
    assert places.tolist() == board.places.tolist()
    fit = [each for each in product(range(3), repeat=6) if max(map(each.count, range(3))) <= 3]
    assert hops(core.tolist()) == pytest.approx(min(map(hops, fit)), rel=1e-9)
    assert np.bincount(core).max() <= 3
    with pytest.raises(ValueError, match="infeasible"):
        fewest_hops(graph, 1, board)


@pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")
def test_small_nets_are_laid_out_nearly_as_well_as_can_be():
    for net, board, most in ((LayeredNet(3, 2, 3), Board(2, 2), 1.001), (LayeredNet(4, 2, 2), Board(2, 2), 1.2)):
        rows = [dict(zip(place_table.COLUMNS, row, strict=True)) for row in place_table.rows_of(net, board)]
        *_, ours, best = rows
        assert best["hops"] <= min(row["hops"] for row in rows) + 1e-9
        assert ours["hops"] <= most * best["hops"]


def test_both_orders_of_an_attention_are_the_same_numbers():
    q, k, v = (torch.randint(0, 2, (3, 2, 2, 5, 4)).float() for _ in range(3))
    assert torch.equal(fusion_table.keys_first(q, k, v), attend(q, k, v))


def test_the_peak_is_what_is_held_at_once():
    def run() -> None:
        one = torch.zeros(1 << 18)
        two = one + 1
        del one
        torch.zeros(1 << 16)
        two.mul_(2)

    assert 1 << 21 <= peak_bytes(run) < (1 << 21) + 1024


def test_without_a_gpu_the_table_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    table = gpu_table.table(quick=True)
    assert not table.rows
    assert "no CUDA device" in table.note


def test_a_row_of_the_gpu_table_is_complete(small: Network, monkeypatch: pytest.MonkeyPatch):
    """On the CPU: its streams, graphs and product of bytes stood in for."""
    monkeypatch.setattr(gpu_table, "waited_for", lambda replayed, inputs, _: lambda: replayed(inputs))
    monkeypatch.setattr(gpu_table, "capture", lambda work: (work, work()))
    monkeypatch.setattr(products, "_INT_MM", lambda a, b: (a.double() @ b.double()).int())
    for batch, measured in ((3, True), (gpu_table.DATA_SET, False)):
        row = gpu_table.row("small", small, batch, 1, torch.device("cpu"))
        assert len(row) == len(gpu_table.COLUMNS)
        assert row[:2] == ("small", batch)
        assert row[-1] == 0
        assert [cell is not None for cell in row[2:6]] == [True, *[measured] * 3]


def test_differing_values_and_events_are_counted(small: Network):
    engine = ReferenceEngine(small.program.deployment.chip, "cpu")
    one = engine.run(small.chip_inputs(2))
    (name,) = one.outputs
    other = replace(one, outputs={name: 1 - one.outputs[name]}, events=replace(one.events, samples=3))
    assert gpu_table.differences(one, one) == 0
    assert gpu_table.differences(other, one) == one.outputs[name].size + 1


def test_other_packages_compute_the_same_network(small: Network):
    x = small.currents(3)
    with torch.no_grad():
        spikes = {name: small.chip_part(make)(x) for name, make in installed().items()}
    assert 0.02 < spikes["SpikingJelly"].mean() < 0.6
    for name, own in spikes.items():
        assert own.shape == spikes["SpikingJelly"].shape
        assert np.mean((own != spikes["SpikingJelly"]).numpy()) < 0.01, name  # ties may round differently


def test_the_command_is_found_and_refuses_unknown_tables(tmp_path: Path):
    command = [sys.executable, "-m", "tests.bench", "wrong", "--out", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert run.returncode == 2
    assert (
        "no table 'wrong'; there are reference, lava, growth, fusion, map, map-place, map-systems, gpu, sanafe, gesture, timing, silicon"
        in run.stderr
    )
    assert not list(tmp_path.iterdir())


def test_a_gpu_table_alone_is_written_whole_and_printed(tmp_path: Path):
    command = [sys.executable, "-m", "tests.bench", "gpu", "--quick", "--out", str(tmp_path / "out")]
    if torch.cuda.is_available():
        pytest.skip("measures for minutes where there is a GPU")
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith((tmp_path / "out" / "benchmark.md").read_text())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["benchmark.json", "benchmark.md"]


def test_what_goes_wrong_in_a_table_is_told_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(quick: bool) -> Table:
        raise CompileError("run.device", "no luck")

    monkeypatch.setattr(gpu_table, "table", fail)
    assert exit_code(lambda: measure(("gpu",), True, tmp_path)) == 2
    assert capsys.readouterr().err == "  gpu ...\nerror[run.device]: no luck\n"


def test_a_place_that_cannot_be_written_is_said_at_once(tmp_path: Path):
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "tests.bench", "--out", str(tmp_path / "file")]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert run.returncode == 2
    assert "out.file" in run.stderr
    run = subprocess.run([*command[:-1], ""], capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert run.returncode == 2
    assert "the name is empty" in run.stderr
