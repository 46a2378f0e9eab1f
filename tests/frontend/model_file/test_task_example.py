"""What an example of a task may look like, and what is said of one that may not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frontend.model_file.task_example import TaskExample, read_example

GIVEN = {"sample": "clip 3", "answers": ["7", "1"], "expected": ["1"]}


def test_texts_alone() -> None:
    example = read_example({**GIVEN, "expected": ("7", "seven"), "image": None})
    assert isinstance(example, TaskExample)
    assert (example.answers, example.expected, example.image) == (("7", "1"), ("7", "seven"), None)
    assert example.right
    assert example.plain() == {
        "sample": "clip 3",
        "answers": ["7", "1"],
        "expected": ["7", "seven"],
        "right": True,
    }


def test_a_right_answer_that_is_not_the_best_one_is_wrong() -> None:
    example = read_example(GIVEN)
    assert isinstance(example, TaskExample)
    assert not example.right


@pytest.mark.parametrize(
    ("image", "pixels"),
    [
        (np.array([[0, 7, 255]], np.uint8), [[0, 7, 255]]),
        (np.array([[0.0, 0.5, 1.0]]), [[0, 128, 255]]),
        (torch.tensor([[[1.0, 0.2, 0.0]]]), [[[255, 51, 0]]]),
        ([[0.0, 1.0]], [[0, 255]]),
    ],
)
def test_images_become_bytes_of_their_own(image: object, pixels: object) -> None:
    example = read_example({**GIVEN, "image": image})
    assert isinstance(example, TaskExample)
    assert example.image is not None
    assert example.image.dtype == np.uint8
    np.testing.assert_array_equal(example.image, pixels)
    assert not isinstance(image, np.ndarray) or not np.shares_memory(example.image, image)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "is a int"),
        ({**GIVEN, "label": 3}, "has 'label', and may have sample, answers, expected, image"),
        ({**GIVEN, "sample": 3}, "has no text 'sample'"),
        ({"sample": "a", "answers": ["b"]}, "has no list of texts 'expected'"),
        ({**GIVEN, "answers": "7"}, "has no list of texts 'answers'"),
        ({**GIVEN, "answers": []}, "has no list of texts 'answers'"),
        ({**GIVEN, "answers": [7]}, "has no list of texts 'answers'"),
        *(
            ({**GIVEN, "image": image}, "has an image that is no array (H, W) or (H, W, 3)")
            for image in (
                "net.png",
                np.zeros(4),
                np.zeros((0, 4)),
                np.zeros((3, 4, 4)),
                np.zeros((4, 4, 3, 1)),
                np.zeros((4, 4), int),
                np.full((4, 4), 1.01),
                np.full((4, 4), -0.01),
                np.full((4, 4), np.nan),
            )
        ),
    ],
)
def test_what_is_no_example_is_said_in_words(given: object, said: str) -> None:
    found = read_example(given)
    assert isinstance(found, str)
    assert said in found
