"""
Classification by names: the class whose texts an image's features are most similar to.

A class has several texts, one per template ("a photo of a {}."). Published code computes classes one after another without
resetting the neurons, so that the features of a class depend on the classes before it; here every text begins from zero state.
"""

from __future__ import annotations

import torch
from torch import nn

from models.layers.neuron import l2_normalise


@torch.no_grad()
def label_matrix(text_encoder: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """
    Texts of all classes (classes, templates, words) -> (E, classes).

    The features of each text at unit length, averaged over the templates, and, as published, not brought to unit length again.
    """
    features = l2_normalise(text_encoder(tokens.flatten(0, 1)))
    return features.unflatten(0, tokens.shape[:2]).mean(dim=1).T


def class_scores(features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """
    `l2(features) @ labels`: (B, E), (E, classes) -> (B, classes), the mean cosine to the texts of each class.

    The largest one is the class. Neither the length of an image's features nor a common factor of the labels changes which.
    """
    return l2_normalise(features) @ labels
