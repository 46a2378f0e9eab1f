"""Published states load by their names and shapes, and are computed with; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from models import snnergy
from models.networks.snnergy.checkpoints import load_cross_residual, load_qkformer, refuse_published
from models.networks.snnergy.fusion import FUSIONS
from models.networks.snnergy.network import ModalityStream

State = dict[str, torch.Tensor]
D, CHANNELS = 16, 1


def _conv(state: State, name: str, shape: tuple[int, ...], *, bias: bool = False) -> None:
    state[f"{name}_conv.weight"] = torch.randn(shape)
    if bias:
        state[f"{name}_conv.bias"] = torch.randn(shape[0])
    for entry in ("weight", "bias", "running_mean"):
        state[f"{name}_bn.{entry}"] = torch.randn(shape[0])
    state[f"{name}_bn.running_var"] = torch.rand(shape[0]) + 0.5


def _projections(state: State, prefix: str, names: str, width: int, *, last_bias: bool) -> None:
    for name in names.split():
        _conv(state, f"{prefix}.{name}", (width, width, 1), bias=last_bias and name == "proj")


def qkformer(attention: str, mlp: str, depths: tuple[int, int, int]) -> State:
    """The published names and shapes, written out; `attention` and `mlp` are what the two kinds of networks call theirs."""
    state: State = {"head.weight": torch.randn(10, 4 * D), "head.bias": torch.randn(10)}
    for stage, depth in enumerate(depths, start=1):
        width = D * 2 ** (stage - 1)
        stem = f"patch_embed{stage}."
        if stage == 1:
            _conv(state, f"{stem}proj", (D // 2, CHANNELS, 3, 3))
        first, second = ("proj1", "proj2") if stage == 1 else ("proj3", "proj4")
        _conv(state, f"{stem}{first}", (width, width // 2, 3, 3))
        _conv(state, f"{stem}{second}", (width, width, 3, 3))
        _conv(state, f"{stem}proj_res", (width, width // 2, 1, 1))
        for index in range(depth):
            block = f"stage{stage}.{index}"
            names = f"{block}.{attention}", "q k v proj"
            names = names if stage == 3 else (f"{block}.tssa", "q k proj")
            _projections(state, *names, width, last_bias=True)
            _conv(state, f"{block}.mlp.{mlp}1", (4 * width, width, 1, 1), bias=True)
            _conv(state, f"{block}.mlp.{mlp}2", (width, 4 * width, 1, 1), bias=True)
    return state


def s_cmrl() -> State:
    state: State = {}
    for block in (0, 1):
        for kind in ("spatial_attn", "temporal_attn"):
            _projections(state, f"block.{block}.attn.{kind}", "q k v proj", D, last_bias=False)
    state["block.0.norm1.weight"] = torch.ones(D)
    return state


def _stream(depths: tuple[int, int, int]) -> ModalityStream:
    config = replace(snnergy.CONFIGS["av-digits-token"], depths=depths)
    return ModalityStream(config, config.video)


@pytest.mark.parametrize("depths", [(1, 1, 1), (1, 2, 3)])
@pytest.mark.parametrize(("attention", "mlp"), [("ssa", "mlp"), ("attn", "fc")])
def test_qkformer_states_load(attention: str, mlp: str, depths: tuple[int, int, int]) -> None:
    stream, state = _stream(depths), qkformer(attention, mlp, depths)
    load_qkformer(stream, state)
    loaded = stream.state_dict()
    assert torch.equal(loaded["stage1.0.tssa.q_conv.weight"], state["stage1.0.tssa.q_conv.weight"])
    last = depths[2] - 1
    theirs = state[f"stage3.{last}.{attention}.v_conv.weight"], state[f"stage3.{last}.mlp.{mlp}2_bn.running_var"]
    assert torch.equal(loaded[f"stage3.{last}.ssa.v_conv.weight"], theirs[0])
    assert torch.equal(loaded[f"stage3.{last}.mlp.mlp2_bn.running_var"], theirs[1])
    numbers = sum(value.numel() for name, value in state.items() if not name.startswith("head."))
    assert numbers == sum(value.numel() for name, value in loaded.items() if "num_batches" not in name)


@pytest.mark.parametrize("block", [0, 1])
def test_s_cmrl_states_load(block: int) -> None:
    fusion = FUSIONS["s-cmrl"](snnergy.CONFIGS["av-digits"], D)
    state = s_cmrl()
    load_cross_residual(fusion, state, block)
    for name, value in fusion.state_dict().items():
        if name != "alpha" and "num_batches" not in name:
            assert torch.equal(value, state[f"block.{block}.attn.{name}"])
    assert fusion.state_dict()["alpha"].item() == 1.5


def _without(name: str) -> Callable[[State], object]:
    return lambda state: state.pop(name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without("stage1.0.tssa.q_conv.weight"), r"stage1\.0\.tssa\.q_conv\.weight is missing"),
        (lambda state: state.update({"stage4.0": torch.zeros(1)}), r"stage4\.0 is unknown"),
        (lambda state: state.update({"stage1.0.tssa.q_conv.weight": torch.zeros(2, 2, 1)}), r"has shape \(2, 2, 1\)"),
        (lambda state: state.clear(), r"is missing.*and \d+ more"),
    ],
)
def test_states_that_do_not_fit_are_refused(spoil: Callable[[State], object], message: str) -> None:
    state, stream = qkformer("ssa", "mlp", (1, 1, 1)), _stream((1, 1, 1))
    spoil(state)
    before = {name: value.clone() for name, value in stream.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        load_qkformer(stream, state)
    assert all(torch.equal(value, before[name]) for name, value in stream.state_dict().items())


def test_a_missing_block_is_named() -> None:
    fusion: nn.Module = FUSIONS["s-cmrl"](snnergy.CONFIGS["av-digits"], D)
    with pytest.raises(ValueError, match=r"no entries block\.2\.attn\.\*"):
        load_cross_residual(fusion, s_cmrl(), 2)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            qkformer("attn", "fc", (1, 1, 1)),
            r"of a published QKFormer, which is one stream: `load_qkformer\(network.video",
        ),
        (s_cmrl(), r"of a published S-CMRL, of whose blocks `load_cross_residual\(fusion, state, block\)` of models"),
    ],
)
def test_a_published_state_is_no_whole_network(state: State, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        refuse_published(state)
    refuse_published(snnergy.initial_network(snnergy.CONFIGS["av-digits-s-cmrl"], 0).state_dict())
