"""Both text encoders against the numpy replay, bit for bit; texts and words do not get mixed up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.networks.spikeclip.config import SpikeClipConfig
from models.networks.spikeclip.text_encoder import TEXT_ENCODERS, MlpTextEncoder, TransformerTextEncoder
from tests.models.deployed import assert_compiled_is_exact
from tests.models.networks.spikeclip.oracle import SMALL, make_dyadic, oracle_of


def _encoder(kind: str, seed: int, config: SpikeClipConfig = SMALL) -> MlpTextEncoder | TransformerTextEncoder:
    encoder = TEXT_ENCODERS[kind](replace(config, text=kind)).eval()
    make_dyadic(encoder, seed)
    return encoder


def _tokens(texts: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, SMALL.vocabulary, (texts, SMALL.words), generator=rng)


@pytest.mark.parametrize("time", ["learned", "mean"])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", TEXT_ENCODERS)
def test_encoder_equals_replay(kind: str, seed: int, time: str) -> None:
    config = replace(SMALL, text=kind, time=time)
    encoder, tokens = _encoder(kind, seed, config), _tokens(6, seed)
    with torch.no_grad():
        features = encoder(tokens)
    oracle = oracle_of(encoder)
    replay = oracle.mlp_text_encoder if kind == "mlp" else oracle.transformer_text_encoder
    np.testing.assert_array_equal(features.numpy(), replay(tokens.numpy(), config))
    assert oracle.ties > 20
    assert len(np.unique(features.numpy())) > 10


@pytest.mark.parametrize("kind", TEXT_ENCODERS)
def test_texts_do_not_see_each_other(kind: str) -> None:
    encoder, tokens = _encoder(kind, 3), _tokens(5, 3)
    with torch.no_grad():
        batch = encoder(tokens)
        for i in (3, 0, 4, 1, 2):
            assert torch.equal(encoder(tokens[i : i + 1])[0], batch[i])


def test_words_keep_their_places_in_the_transformer() -> None:
    """
    Without position embeddings the order of words makes no difference, since every word goes its own way but for attention.

    The published class reads features as tokens behind its norms, where order would matter.
    """
    encoder, tokens = _encoder("transformer", 4), _tokens(3, 4)
    encoder.clip_embedding.position_embedding.weight.data.zero_()
    with torch.no_grad():
        assert torch.equal(encoder(tokens), encoder(tokens.flip(1)))
        encoder.clip_embedding.position_embedding.weight.data.copy_(torch.eye(6, 8) * 3)
        assert not torch.equal(encoder(tokens), encoder(tokens.flip(1)))


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXT_ENCODERS)
def test_compiled_dyadic_encoder_is_exact(kind: str) -> None:
    assert_compiled_is_exact(_encoder(kind, 3), {"tokens": _tokens(5, 3)}, static=("tokens",), steps=4)
