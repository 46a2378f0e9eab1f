"""Our files and the published ones, whose names and shapes are written out; bad files are one clear error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from models.networks.spikeclip import checkpoints
from models.networks.spikeclip.config import SpikeClipConfig
from models.networks.spikeclip.parts import initial_parts

CONFIG = SpikeClipConfig(D=16, heads=2, E=8, vocabulary=11, positions=6, words=5, pixels=8, depth=2)
BN = ("weight", "bias", "running_mean", "running_var")


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{entry}": (width,) for entry in BN} | {f"{name}.num_batches_tracked": ()}


def published_image(D: int, E: int, depth: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published image encoder."""
    widths, shapes = (3, D // 8, D // 4, D // 2, D, D), dict[str, tuple[int, ...]]()
    for place in range(5):
        shapes[f"patch_embed.block{place}_conv.weight"] = (widths[place + 1], widths[place], 3, 3)
        shapes |= _norm(f"patch_embed.block{place}_bn", widths[place + 1])
    for block in range(depth):
        for name in ("q", "k", "v", "proj"):
            shapes[f"block.{block}.attn.{name}_conv.weight"] = (D, D, 1)
            shapes |= _norm(f"block.{block}.attn.{name}_bn", D)
        shapes[f"block.{block}.attn.proj_conv.bias"] = (D,)
        for name, inputs, outputs in (("mlp1", D, 4 * D), ("mlp2", 4 * D, D)):
            shapes[f"block.{block}.mlp.{name}_conv.weight"] = (outputs, inputs, 1, 1)
            shapes[f"block.{block}.mlp.{name}_conv.bias"] = (outputs,)
            shapes |= _norm(f"block.{block}.mlp.{name}_bn", outputs)
    return shapes | {"weights_tensor": (1, 4, 1), "proj.weight": (E, D), "proj.bias": (E,)}


def published_text(E: int, words: int, vocabulary: int, positions: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published text encoder; CLIP's embedding keeps the numbers of its positions as well."""
    return {
        "fc1.weight": (4 * E, words * E),
        "fc1.bias": (4 * E,),
        "fc2.weight": (E, 4 * E),
        "fc2.bias": (E,),
        "weights_tensor": (1, 4, 1),
        "clip_embedding.token_embedding.weight": (vocabulary, E),
        "clip_embedding.position_embedding.weight": (positions, E),
        "clip_embedding.position_ids": (1, positions),
    }


def _state(shapes: dict[str, tuple[int, ...]], value: float) -> dict[str, torch.Tensor]:
    return {name: torch.full(shape, value) for name, shape in shapes.items()}


IMAGE, TEXT = published_image(16, 8, 2), published_text(8, 5, 11, 6)


def _parts(seed: int = 3) -> dict[str, nn.Module]:
    return initial_parts(CONFIG, seed)


def _save(content: object, folder: Path) -> Path:
    torch.save(content, folder / "x.pt")
    return folder / "x.pt"


def _equal(a: nn.Module, b: nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[name]) for name, value in a.state_dict().items())


def test_a_file_of_ours_comes_back(tmp_path: Path) -> None:
    checkpoints.save(_parts(4), tmp_path / "x.pt")
    parts = _parts(3)
    checkpoints.load(parts, tmp_path / "x.pt")
    assert all(_equal(part, _parts(4)[name]) for name, part in parts.items())


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("name", "shapes"), [("image", IMAGE), ("text", TEXT)])
def test_a_published_file_fills_one_part(
    name: str, shapes: dict[str, tuple[int, ...]], wrapped: bool, tmp_path: Path
) -> None:
    parts, state = _parts(), _state(shapes, 0.25)
    checkpoints.load(parts, _save({"epoch": 3, "state_dict": state, "arch": None} if wrapped else state, tmp_path))
    assert all((value == 0.25).all() for value in parts[name].parameters())
    other = "text" if name == "image" else "image"
    assert _equal(parts[other], _parts()[other])


def test_published_names_are_all_names() -> None:
    assert set(_parts()["image"].state_dict()) == set(IMAGE)
    assert set(_parts()["text"].state_dict()) == set(TEXT) - {"clip_embedding.position_ids"}


@pytest.mark.slow
def test_published_size_loads(tmp_path: Path) -> None:
    config = SpikeClipConfig(D=384, heads=8, E=512, vocabulary=49408, positions=77)
    parts = initial_parts(config, 0)
    for shapes in (published_image(384, 512, 4), published_text(512, 20, 49408, 77)):
        checkpoints.load(parts, _save(_state(shapes, 0.5), tmp_path))
    assert all((value == 0.5).all() for part in parts.values() for value in part.parameters())


def test_averaging_does_not_take_learned_weights_of_steps(tmp_path: Path) -> None:
    parts = initial_parts(replace(CONFIG, time="mean"), 0)
    with pytest.raises(
        ValueError,
        match="its image part has learned weights of the time steps, and this variant, `time` = `mean`, has none",
    ):
        checkpoints.load(parts, _save(_state(IMAGE, 0.25), tmp_path))


def _without(shapes: dict[str, tuple[int, ...]], *names: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in _state(shapes, 0.25).items() if name not in names}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_without(IMAGE, "proj.bias"), "in the image part proj.bias is missing"),
        (_without(IMAGE, "patch_embed.block0_conv.weight"), "has neither patch_embed.block0_conv.weight nor clip_emb"),
        ({**_state(TEXT, 0.25), "fc3.bias": torch.ones(2)}, "in the text part fc3.bias is unknown"),
        ({"image": _state(IMAGE, 0.25), "sound": _state(TEXT, 0.25)}, "the network has no part sound"),
        ([1, 2], "it holds no state dicts"),
        ({}, "it holds no state dicts"),
        ({"image": {}}, "it holds no state dicts"),
        ({"image": "here"}, "it holds no state dicts"),
    ],
)
def test_bad_content_is_one_clear_error_and_changes_nothing(content: object, message: str, tmp_path: Path) -> None:
    parts = _parts()
    with pytest.raises(ValueError, match=message) as error:
        checkpoints.load(parts, _save(content, tmp_path))
    assert "as SpikeCLIP weights" in str(error.value)
    assert all(_equal(part, _parts()[name]) for name, part in parts.items())


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_file_that_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(ValueError, match="torch cannot read tensors"):
        checkpoints.load(_parts(), tmp_path / "x.pt")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights file"):
        checkpoints.load(_parts(), tmp_path / "none.pt")
