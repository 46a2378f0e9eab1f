"""Files with random bytes changed, cut, doubled or exchanged: each is read or refused."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import hw_profiles
from tests.bench.nir_fuzz import mutated, sound_files
from tests.faults.command import Command
from tests.faults.networks import compiles, model_file
from tests.faults.trial import REFUSED, Kind, Trial, clean, judged, require

GPU = ("--target", "gpu", "--samples", "2", "--quiet")


def changed(rng: random.Random, data: bytes) -> bytes:
    """One to three changes of a file's bytes."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice(CHANGES)(rng, data) if data else data
    return data


def _flip(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4, 16))):
        out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def _cut(rng: random.Random, data: bytes) -> bytes:
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:a] + data[b:] if rng.random() < 0.5 else data[:a]


def _double(rng: random.Random, data: bytes) -> bytes:
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:b] + data[a:]


def _exchange(rng: random.Random, data: bytes) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(data) + 1) for _ in range(4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (_flip, _flip, _cut, _double, _exchange)
ODD = (
    "nan",
    "-1",
    "0",
    "1e400",
    "'x'",
    "[]",
    "{}",
    "true",
    "1979-05-27",
    "99999999999999999999",
    '"""',
    "{ value = 1 }",
)


def changed_words(rng: random.Random, text: str) -> str:
    """A TOML file with a value, a name or a line replaced, removed, doubled or moved."""
    lines = text.splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        edit = rng.randrange(5)
        if edit == 0:
            lines[at] = re.sub(r"= [^,}]+", lambda _: f"= {rng.choice(ODD)}", lines[at], count=1)
        elif edit == 1:
            lines[at] = re.sub(r"value = [^,}]+", lambda _: f"value = {rng.choice(ODD)}", lines[at])
        elif edit == 2:
            lines[at] = lines[other]
        elif edit == 3:
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = lines[at].replace(*rng.choice((("unit", "unix"), ("pJ", "uJ"), ("]", ""), ("measured", "x"))))
    return "\n".join(lines)


def _read(trial: Trial, command: Command) -> str:
    """Whole with a report, or refused without a folder."""
    ended = trial.run(command)
    outcome = judged(ended, REFUSED)
    require((trial.folder / "out" / "report.json").exists() == (outcome == "whole"), "lost", f"exit code {ended.code}")
    clean(trial.folder)
    return outcome


def nir(trial: Trial) -> str:
    path = trial.folder / "mutated.nir"
    mutated(trial.rng.randrange(1 << 30), sound_files(trial.folder), path)
    return _read(trial, compiles(path, *GPU, "--dt", "1e-4", "--out", "out"))


def net(trial: Trial) -> str:
    path = trial.folder / "mutated.net"
    _write_net(path)
    path.write_bytes(changed(trial.rng, path.read_bytes()))
    return _read(trial, compiles(path, *GPU, "--out", "out"))


def _write_net(path: Path) -> None:
    """Two layers in lava-dl's form."""
    import h5py
    import numpy as np

    with h5py.File(path, "w") as file:
        for place, shape in enumerate(((4, 6), (3, 4))):
            layer = file.create_group(f"layer/{place}")
            layer["shape"], layer["type"] = np.array(shape[:1]), np.array(["dense"], "S10")
            layer["inFeatures"], layer["outFeatures"] = shape[1], shape[0]
            layer["weight"] = np.arange(shape[0] * shape[1]).reshape(shape) % 7 * 16.0 - 32
            neuron = {"iDecay": 1024, "vDecay": 128, "vThMant": 80, "refDelay": 1, "gradedSpike": 0}
            for name, value in neuron.items():
                layer[f"neuron/{name}"] = value
            layer["neuron/type"] = np.array(["LOIHI"], "S10")


def npz(trial: Trial) -> str:
    import numpy as np

    source, path = model_file(trial.folder), trial.folder / "inputs.npz"
    save = trial.rng.choice((np.savez, np.savez_compressed))
    save(path, x=np.ones((2, 2, 6), trial.rng.choice((np.float32, np.uint8, bool))))
    path.write_bytes(changed(trial.rng, path.read_bytes()))
    return _read(trial, compiles(source, *GPU, "--inputs", path, "--out", "out"))


def checkpoint(trial: Trial) -> str:
    import torch

    source, path = model_file(trial.folder), trial.folder / "weights.pt"
    state = {"fc1.weight": torch.ones(8, 6), "fc1.bias": torch.ones(8), "fc2.weight": torch.ones(3, 8)}
    torch.save({**state, "fc2.bias": torch.ones(3)}, path, _use_new_zipfile_serialization=trial.rng.random() < 0.7)
    path.write_bytes(changed(trial.rng, path.read_bytes()))
    return _read(trial, compiles(source, *GPU, "--weights", path, "--out", "out"))


def profile(trial: Trial) -> str:
    source, path = model_file(trial.folder), trial.folder / "mutated.toml"
    name = trial.rng.choice(("loihi2", "loihi1", "ideal"))
    text = (Path(hw_profiles.__file__).parent / f"{name}.toml").read_text()
    words = trial.rng.random() < 0.7
    path.write_bytes(changed_words(trial.rng, text).encode() if words else changed(trial.rng, text.encode()))
    return _read(trial, compiles(source, *GPU, "--profile", path, "--out", "out"))


KINDS: dict[str, Kind] = {"nir": nir, "net": net, "npz": npz, "checkpoint": checkpoint, "profile": profile}
