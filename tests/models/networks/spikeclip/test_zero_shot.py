"""The label matrix and classification by cosine, against loops; a class does not depend on the others."""

from __future__ import annotations

import numpy as np
import torch

from models.networks.spikeclip.text_encoder import MlpTextEncoder
from models.networks.spikeclip.zero_shot import class_scores, label_matrix
from tests.models.networks.spikeclip.oracle import SMALL, make_dyadic

CLASSES, TEMPLATES = 4, 3


def _text() -> tuple[MlpTextEncoder, torch.Tensor]:
    encoder = MlpTextEncoder(SMALL).eval()
    make_dyadic(encoder, 5)
    rng = torch.Generator().manual_seed(2)
    return encoder, torch.randint(0, SMALL.vocabulary, (CLASSES, TEMPLATES, SMALL.words), generator=rng)


def test_a_class_is_the_mean_of_its_texts_at_unit_length() -> None:
    encoder, tokens = _text()
    labels = label_matrix(encoder, tokens)
    assert labels.shape == (SMALL.E, CLASSES)
    for place in range(CLASSES):
        texts = [encoder(tokens[place, t : t + 1]).detach().double().numpy()[0] for t in range(TEMPLATES)]
        expected = np.mean([each / np.linalg.norm(each) for each in texts], axis=0)
        np.testing.assert_allclose(labels[:, place].numpy(), expected, rtol=1e-5, atol=1e-7)
    assert (labels.norm(dim=0) < 0.999).any()


def test_a_class_does_not_depend_on_the_classes_before_it() -> None:
    encoder, tokens = _text()
    labels = label_matrix(encoder, tokens)
    assert torch.equal(label_matrix(encoder, tokens.flip(0)).flip(1), labels)
    for place in (2, 0, 3):
        assert torch.equal(label_matrix(encoder, tokens[place : place + 1])[:, 0], labels[:, place])


def test_scores_are_mean_cosines_and_lengths_do_not_matter() -> None:
    encoder, tokens = _text()
    labels, features = label_matrix(encoder, tokens), torch.randn(5, SMALL.E)
    scores = class_scores(features, labels)
    for image in range(5):
        for place in range(CLASSES):
            texts = encoder(tokens[place]).detach()
            cosines = torch.cosine_similarity(features[image : image + 1], texts)
            torch.testing.assert_close(scores[image, place], cosines.mean(), rtol=1e-5, atol=1e-6)
    assert torch.equal(class_scores(16 * features, 0.5 * labels).argmax(1), scores.argmax(1))
