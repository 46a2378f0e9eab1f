"""Imports go one way: between the stages, and inside each from floor to floor, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent
STAGES = ("compile", "frontend", "ir", "backends", "models", "hw_profiles")
MAY_IMPORT = {
    "models": {"models"},
    "frontend": {"frontend", "ir"},
    "ir": {"ir"},
    "backends": {"backends", "ir"},
    "hw_profiles": {"hw_profiles", "ir"},
    "compile": {"compile", "frontend", "ir", "backends", "hw_profiles"},
    "spike_compiler": {"compile"},
}
"""Stage -> the stages that it may import."""
TRAINING = ("models.train.", "models.training.", "models.zoo.")
SHARED = ("compile.command.", "compile.evaluation.training_grids.", "frontend.user_errors.", "ir.errors.")
"""What commands that train and measure share with the compiler: how they end, what they say then, grids. Model files do not."""
FLOORS = {
    "ir": (
        "errors",
        "types profile",
        "ops lowerings.cost",
        "graph",
        "analysis text lowerings.rewriter lowerings.values lowerings.maxima",
        "interpreter verify lowerings.lowering lowerings.encode_counts lowerings.advance_norms lowerings.divide_joins lowerings.sums",
        "quantize lowerings.rules",
        "mapping lowerings.table",
        "deployment",
        "lowerings.selection",
        "passes",
        "pipeline",
    ),
    "frontend": (
        "type_guards",
        "names user_errors current_folder input_domain ordinary_tensors wrappers",
        "hdf5 recording neuron_rules model_file",
        "function_rules netx nir.reading",
        "tracing nir.meaning",
        "nir.writing",
        "nir.round_trip",
        "nir.import_nir",
    ),
    "backends": (
        "system netx.emitted_file",
        "trace inputs jit lava.hidden_ports lava.runtime lava.timing lava.validate",
        "interpreter host event_driven lava.events",
        "target sanafe reference.kernels lava.core",
        "reference.plan lava.emit lava.memory",
        "reference.run lava.processes",
        "reference.cuda lava.engine",
        "reference.devices",
        "reference.engine",
        "reference.twin",
        "reference.target lava.target",
        "targets netx sanafe.checks",
        "emitters",
    ),
    "compile": (
        "version",
        "command energy event_data",
        "output",
        "stages",
        "measure",
        "report",
        "benchmark compiled_program",
        "driver evaluation",
        "commands",
        "cli",
        "__main__",
    ),
    "models": (
        "layers data",
        "training",
        "networks.cmsf networks.spikeclip networks.snnergy networks.taaf",
        "retrieval",
        "cmsf plif_net spikeclip spikformer snnergy taaf",
        "train",
        "zoo",
    ),
}
"""Stage -> its rooms, floor by floor from the lowest: a room may import those of lower floors only."""
FORBIDDEN = {
    "ir": {"torch", "nir", "lava", "spikingjelly", "h5py"},
    "hw_profiles": {"torch", "nir", "lava", "numpy"},
    "models": {"nir", "lava", "norse"},
}
"""Stage -> libraries that it must not need; a function may import torch lazily for its kernels."""
USER_CODE = {"frontend/model_file/user_file.py", "frontend/model_file/user_modules.py"}
"""Files that import what a user's file says, and no module of ours."""
IMPORTERS = {"import_module", "__import__", "find_spec"}


@cache
def modules(stage: str) -> dict[str, Path]:
    """Name below the stage -> file."""
    files = {path: path.relative_to(ROOT / stage).with_suffix("") for path in sorted((ROOT / stage).rglob("*.py"))}
    return {".".join(place.parts).removesuffix("__init__").rstrip("."): path for path, place in files.items()}


@cache
def imports(path: Path, top_level_only: bool = False) -> frozenset[str]:
    """The full names of everything a file imports, by statement or by a literal name."""
    tree = ast.parse(path.read_text())
    names: set[str] = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and _called(node) in IMPORTERS and isinstance(node.args[0], ast.Constant):
            names.add(str(node.args[0].value))
    return frozenset(names)


def _called(call: ast.Call) -> str:
    function = call.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def libraries(path: Path, top_level_only: bool = False) -> set[str]:
    """The first names of what a file imports."""
    return {name.partition(".")[0] for name in imports(path, top_level_only)}


def rooms(stage: str) -> dict[str, int]:
    return {room: floor for floor, line in enumerate(FLOORS[stage]) for room in line.split()}


def room_of(stage: str, module: str) -> str:
    """The room that a module is or lies in; "" for what lies in none."""
    parts = module.split(".")
    return next((name for n in range(len(parts), 0, -1) if (name := ".".join(parts[:n])) in rooms(stage)), "")


@pytest.mark.parametrize("stage", MAY_IMPORT)
def test_stages_import_one_way(stage: str):
    wrong = {
        path: {
            first
            for name in imports(path)
            if (first := name.partition(".")[0]) in STAGES and not may(stage, module, name)
        }
        for module, path in modules(stage).items()
    }
    assert not {path: names for path, names in wrong.items() if names}


def may(stage: str, module: str, imported: str) -> bool:
    """Whether a module of a stage may import a name of another."""
    shared = f"{stage}.{module}.".startswith(TRAINING) and imported.startswith(SHARED)
    return shared or imported.partition(".")[0] in MAY_IMPORT[stage]


@pytest.mark.parametrize("stage", FLOORS)
def test_every_module_lies_in_a_room(stage: str):
    homeless = [
        name for name, path in modules(stage).items() if path.name != "__init__.py" and not room_of(stage, name)
    ]
    assert not homeless
    empty = [room for room in rooms(stage) if not any(f"{name}.".startswith(f"{room}.") for name in modules(stage))]
    assert not empty


@pytest.mark.parametrize("stage", FLOORS)
def test_rooms_import_from_lower_floors_only(stage: str):
    floors, wrong = rooms(stage), list[str]()
    for name, path in modules(stage).items():
        room = room_of(stage, name)
        for imported in imports(path) if room else ():
            first, _, rest = imported.partition(".")
            target = room_of(stage, rest) if first == stage else room
            if target != room and (not target or floors[target] >= floors[room]):
                wrong.append(f"{stage}.{name} imports {imported}")
    assert not wrong


def test_no_module_is_named_at_run_time():
    """Such a name escapes the tests above; only code of users is imported by names that are not written down here."""
    wrong: list[str] = []
    for stage in (*STAGES, "spike_compiler"):
        for path in set(modules(stage).values()) - {ROOT / file for file in USER_CODE}:
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            calls = [call for call in calls if _called(call) in IMPORTERS | {"run_module", "run_path"}]
            wrong += [f"{path}:{call.lineno}" for call in calls if not isinstance(call.args[0], ast.Constant)]
    assert not wrong


@pytest.mark.parametrize("stage", FORBIDDEN)
def test_stages_need_no_foreign_library(stage: str):
    wrong = {path: libraries(path, top_level_only=True) & FORBIDDEN[stage] for path in modules(stage).values()}
    assert not {path: names for path, names in wrong.items() if names}


def test_lava_is_imported_in_its_backend_only():
    users = [path for stage in STAGES for path in modules(stage).values() if "lava" in libraries(path)]
    hands_over = ROOT / "compile" / "command" / "quick_spikingjelly.py"  # what SpikingJelly imports itself
    assert {path.relative_to(ROOT).parts[:2] for path in {*users} - {hands_over}} == {("backends", "lava")}


def test_the_partitioner_is_imported_in_one_file_only():
    users = [path for stage in STAGES for path in modules(stage).values() if "mtkahypar" in libraries(path)]
    assert [str(path.relative_to(ROOT)) for path in users] == ["ir/mapping/layout/partition.py"]
    assert "mtkahypar" not in libraries(users[0], top_level_only=True)


def test_no_grab_bags_and_one_test_package():
    names = {path.stem for stage in STAGES for path in modules(stage).values()}
    assert not names & {"utils", "util", "common", "helpers", "misc"}
    assert list((ROOT / "tests").rglob("__init__.py")) == [ROOT / "tests" / "__init__.py"]


def test_files_stay_one_concept():
    files = [path for stage in STAGES for path in modules(stage).values()]
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert not {path: lines for path, lines in long.items() if lines > 260}


def test_folders_stay_one_subject():
    folders = {path.parent for stage in STAGES for path in modules(stage).values()}
    crowded = {str(folder.relative_to(ROOT)): len(entries(folder)) for folder in folders}
    assert not {folder: count for folder, count in crowded.items() if count > 15}


def entries(folder: Path) -> list[Path]:
    """Modules and rooms in a folder."""
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    return files + [path for path in folder.iterdir() if (path / "__init__.py").is_file()]
