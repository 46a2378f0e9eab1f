"""Loading weights: our own files, published checkpoints, and everything that is neither."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from models.networks.cmsf import checkpoints
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts

CONFIG = CmsfConfig(N=4, L=4, D=8, F=16, region_features=6, word_features=5, heads=2, combs=2)
PUBLISHED_BLOCK = {
    **{f"attn.{n}_linear": ("weight", "bias") for n in ("q", "k", "v", "proj")},
    **{f"attn.{n}_bn": ("weight", "bias", "running_mean", "running_var") for n in ("q", "k", "v", "proj")},
    "mlp.to_hidden_linear": ("weight", "bias"),
    "mlp.to_hidden_v_bn": ("weight", "bias", "running_mean", "running_var"),
    "mlp.to_out": ("weight", "bias"),
    "mlp.to_bn": ("weight", "bias", "running_mean", "running_var"),
}


def _parts(seed: int = 0) -> dict[str, nn.Module]:
    return initial_parts(CONFIG, seed)


def _published(seed: int) -> list[dict[str, torch.Tensor]]:
    """Our own states as a published run would have saved them, unused entries included."""
    states = [dict(part.state_dict()) for part in _parts(seed).values()]
    unused = ("block.0.norm1.weight", "block.0.norm2.bias", "cpg.fc.weight", "init_lif.v")
    unused += ("token_embedding.weight", "res_ln.weight", "weights_tensor2", "bert.encoder.weight")
    for state in states:
        state.update({name: torch.full((3,), torch.nan) for name in unused})
        for name in [key for key in state if key.endswith("num_batches_tracked")]:
            del state[name]
    states[2]["block_i.0.norm1.weight"] = torch.ones(8)
    return states


def _save(content: object, tmp_path: Path) -> Path:
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    return path


def _equal(a: nn.Module, b: nn.Module) -> bool:
    mine, other = a.state_dict(), b.state_dict()
    return mine.keys() == other.keys() and all(torch.equal(mine[k], other[k]) for k in mine)


def test_saved_parts_come_back(tmp_path: Path) -> None:
    saved, loaded = _parts(1), _parts(2)
    checkpoints.save(saved, tmp_path / "w.pt")
    assert not _equal(saved["image"], loaded["image"])
    checkpoints.load(loaded, tmp_path / "w.pt")
    assert all(_equal(saved[name], loaded[name]) for name in saved)


@pytest.mark.parametrize("fusion", ["sca", "scsa"])
def test_published_names(fusion: str) -> None:
    """Names and shapes of the published state dicts, written out."""
    parts = initial_parts(replace(CONFIG, fusion=fusion), 0)
    own = {"linear.weight", "linear.bias", "weights_tensor", "spike_coder.lif.dynamic_threshold"}
    own |= {"spike_coder.norm2.weight", "spike_coder.norm2.bias"}
    block = {f"{layer}.{entry}" for layer, entries in PUBLISHED_BLOCK.items() for entry in entries}
    state = parts["image"].state_dict()
    names = {name for name in state if not name.endswith("num_batches_tracked")}
    assert names == own | {f"block.0.{name}" for name in block}
    assert state["block.0.mlp.to_hidden_linear.weight"].shape == (32, 8)
    assert state["weights_tensor"].shape == (1, 2, 1, 1)
    assert parts["text"].state_dict()["bert_linear.weight"].shape == (8, 5)
    prefixes = {"sca": ("block_i.0.", "block_t.0."), "scsa": ("block.0.",)}[fusion]
    fused = {n for n in parts["fusion"].state_dict() if not n.endswith("num_batches_tracked")}
    coders = {f"spike_coder{i}.{n}" for i in (1, 2) for n in ("norm2.weight", "norm2.bias")}
    coders |= {f"spike_coder{i}.lif.dynamic_threshold" for i in (1, 2)}
    coders |= {"weights_tensor_img", "weights_tensor_txt"}
    assert fused == coders | {prefix + name for prefix in prefixes for name in block}


def test_published_checkpoint_loads_without_unused_entries(tmp_path: Path) -> None:
    parts = _parts(3)
    checkpoints.load(parts, _save([*_published(4), {"head": torch.ones(2)}], tmp_path))
    assert all(_equal(parts[name], part) for name, part in _parts(4).items())


def test_checkpoint_inside_a_training_state_loads(tmp_path: Path) -> None:
    parts = _parts(3)
    checkpoints.load(parts, _save({"model": _published(4), "epoch": 7}, tmp_path))
    assert _equal(parts["text"], _parts(4)["text"])


@pytest.mark.parametrize("tail", [[], [{}], [{}, {}]])
def test_without_fusion_weights_the_fusion_keeps_its_own(tail: list[dict[str, torch.Tensor]], tmp_path: Path) -> None:
    parts = _parts(3)
    checkpoints.load(parts, _save([*_published(4)[:2], *tail], tmp_path))
    assert _equal(parts["image"], _parts(4)["image"])
    assert _equal(parts["fusion"], _parts(3)["fusion"])


def _broken(change: str) -> object:
    states = _published(4)
    name = "block.0.attn.q_linear.weight"
    if change == "missing":
        del states[1][name]
    elif change == "unknown":
        states[0]["block.0.attn.r_linear.weight"] = torch.ones(2)
    elif change == "shape":
        states[0][name] = torch.ones(8, 9)
    elif change == "nan":
        states[0][name][2, 3] = torch.nan
    elif change == "infinite":
        states[2]["block_t.0.mlp.to_bn.bias"][0] = torch.inf
    elif change == "dict":
        return {"weights": torch.ones(2)}
    elif change == "one part":
        return states[:1]
    elif change == "no text":
        states[1] = {}
    elif change == "numbers":
        return [1, 2, 3]
    return states


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", r"text part block\.0\.attn\.q_linear\.weight is missing"),
        ("unknown", r"image part block\.0\.attn\.r_linear\.weight is unknown"),
        ("shape", r"has shape \(8, 9\), the network needs \(8, 8\)"),
        ("nan", r"q_linear\.weight contains NaN or infinity"),
        ("infinite", r"fusion part block_t\.0\.mlp\.to_bn\.bias contains NaN"),
        ("dict", "holds a dict, not a list"),
        ("one part", "its list has 1 entries, at least 2"),
        ("no text", "no weights for the text encoder"),
        ("numbers", "entry 0 of its list is not a state dict"),
    ],
)
def test_bad_content_is_one_clear_error_and_changes_nothing(change: str, message: str, tmp_path: Path) -> None:
    parts = _parts(3)
    path = _save(_broken(change), tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        checkpoints.load(parts, path)
    assert str(path) in str(error.value)
    assert "published checkpoint" in str(error.value)
    assert all(_equal(parts[name], part) for name, part in _parts(3).items())


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken archive"])
def test_a_file_that_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot use .*x\.pt as CMSF weights"):
        checkpoints.load(_parts(), path)


def test_code_in_a_file_does_not_run(tmp_path: Path) -> None:
    path = _save([Path("x"), Path("y")], tmp_path)
    with pytest.raises(ValueError, match="torch cannot read tensors"):
        checkpoints.load(_parts(), path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no weights file"):
        checkpoints.load(_parts(), tmp_path / "none.pt")
