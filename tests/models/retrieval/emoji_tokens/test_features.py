"""Regions and words: what counts as one, where it stands, what its features are."""

from __future__ import annotations

import torch

from models.data.baselines.emoji_styles import SeeAndRead
from models.data.emoji_styles import load_split
from models.data.emoji_words import token_ids, vocabulary
from models.retrieval.emoji_texts import captions
from models.retrieval.emoji_tokens.features import (
    REGION_FEATURES,
    WORD_FEATURES,
    _arrays,
    _network,
    regions_of,
    words_of,
)


def test_regions_are_places_with_something_on_them() -> None:
    pixels = torch.ones(3, 3, 32, 32)
    pixels[0, 2, 9, 31] = 0.5  # row 1, column 3
    pixels[1, :, 8:24, 8:16] = 0.0  # rows 1 and 2, column 1
    pixels[1, :, 0, 0] = 254 / 255  # a trace that is none
    regions = regions_of(pixels)
    assert [row.nonzero().flatten().tolist() for row in regions.real] == [[7], [5, 9], [0]]
    assert regions.features.shape == (3, 16, REGION_FEATURES)
    assert not regions.features[~regions.real].any()
    assert regions.features[0, 7, -8:].tolist() == [0, 1, 0, 0, 0, 0, 0, 1]
    assert regions.features[1, 9, -8:].tolist() == [0, 0, 1, 0, 0, 1, 0, 0]


def test_regions_add_up_to_the_network_s_features() -> None:
    """By the network as it is trained; row 2, column 3 has the weights of that place."""
    network = SeeAndRead("relu", len(vocabulary())).eval()
    network.image.load_state_dict(_network().state_dict())
    project = torch.from_numpy(_arrays()["project"])
    pixels = torch.from_numpy(load_split("dev").pixels())
    maps = network.image(pixels.unsqueeze(0))[0].detach()
    regions = regions_of(pixels)
    full = regions.real.all(dim=1)
    assert full.sum() > 50
    whole = torch.nn.functional.linear(maps, project)
    assert torch.allclose(regions.features[full, :, :64].sum(dim=1), whole[full], atol=1e-4)
    place = maps.unflatten(1, (128, 4, 4))[:, :, 2, 3] @ project.unflatten(1, (128, 4, 4))[:, :, 2, 3].T
    assert torch.allclose(regions.features[full, 11, :64], place[full], atol=1e-5)


def test_words_are_rows_of_the_table_and_padding_is_zero() -> None:
    ids = torch.from_numpy(token_ids(["red heart", "heart of qwertyuiop", " ".join(["heart"] * 20)]))
    words = words_of(ids)
    assert words.features.shape == (3, 16, WORD_FEATURES)
    assert words.real.sum(dim=1).tolist() == [2, 3, 16]
    heart = words.features[0, 1]
    assert torch.equal(words.features[1, 0], heart)
    assert heart.any()
    assert not words.features[1, 2].any()  # unknown, but a word
    assert not words.features[~words.real].any()


def test_most_images_have_few_blank_places() -> None:
    real = regions_of(torch.from_numpy(load_split("test-style").pixels())).real
    assert 0.85 < real.float().mean() < 0.98
    assert real.any(dim=1).all()


def test_words_of_one_caption_are_alike() -> None:
    """The table's rows are those of the vocabulary's words."""
    words = words_of(captions("train"))
    means = torch.nn.functional.normalize(words.features.sum(dim=1), dim=1)
    first = torch.nn.functional.normalize(words.features[:, 0], dim=1)
    cosines = first @ means.T
    assert cosines.diagonal().mean() > cosines.mean() + 0.3
