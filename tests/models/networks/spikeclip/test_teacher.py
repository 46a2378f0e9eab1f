"""The small teacher: words in any order, padding that does not count, and a contrastive step that pairs images and texts."""

from __future__ import annotations

import torch

from models.networks.spikeclip.losses import contrastive_loss
from models.networks.spikeclip.teacher import SmallTeacher


def _teacher() -> SmallTeacher:
    torch.manual_seed(0)
    return SmallTeacher(features=16, vocabulary=10, width=4).eval()


def test_a_text_is_a_bag_of_words() -> None:
    teacher = _teacher()
    features = teacher.token_features(torch.tensor([[1, 3, 4, 0], [3, 4, 1, 0], [1, 3, 0, 0]]))
    assert features.shape == (3, 16)
    torch.testing.assert_close(features[0], features[1])
    assert not torch.allclose(features[0], features[2])
    torch.testing.assert_close(teacher.token_features(torch.tensor([[1, 3, 4, 0, 0]]))[0], features[0])


def test_training_finds_pairs() -> None:
    teacher = _teacher().train()
    images, tokens = torch.rand(8, 3, 16, 16), torch.arange(1, 9).unsqueeze(1)
    optimiser = torch.optim.Adam(teacher.parameters(), lr=0.01)
    losses = list[float]()
    for _ in range(30):
        loss = contrastive_loss(teacher.image_features(images), teacher.token_features(tokens), teacher.scale())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 < losses[0]
    similar = teacher.eval().image_features(images) @ teacher.token_features(tokens).T
    assert similar.shape == (8, 8)


def test_scale_is_at_most_sixty() -> None:
    teacher = _teacher()
    torch.testing.assert_close(teacher.scale(), torch.tensor(10.0))
    teacher.log_scale.data.fill_(9.0)
    assert teacher.scale() == 60
