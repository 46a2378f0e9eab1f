"""What depends on the input below tracing, by memory."""

from __future__ import annotations

import torch

from frontend.tracing.storage.taint import Taint, memory_of, tensors_in, version_of


def test_taint_follows_values_not_forms() -> None:
    with Taint() as taint:
        x, y = torch.ones(3), torch.ones(3)
        taint.mark(x)
        assert taint.reaches(x[1:] * 2)
        assert taint.reaches((x + y).view(3, 1))
        assert not taint.reaches(y * 2)
        y.copy_(x)
        assert taint.reaches(y)
        taint.clear(y)
        assert not taint.reaches(y)


def test_tensors_in_nested_arguments() -> None:
    a, b = torch.ones(1), torch.ones(2)
    assert [id(tensor) for tensor in tensors_in(((a, 3), {"x": [b, "text"], "y": None}))] == [id(a), id(b)]


def test_views_share_the_identity_of_their_memory() -> None:
    x = torch.ones(3)
    assert memory_of(x) == memory_of(x[1:]) == memory_of(x.detach())
    assert memory_of(x) != memory_of(x.clone())


def test_tensors_without_memory_are_themselves() -> None:
    sparse = torch.eye(3).to_sparse()
    assert memory_of(sparse) == memory_of(sparse) != memory_of(torch.eye(3).to_sparse())
    with Taint() as taint:
        taint.mark(sparse)
        assert not taint.reaches(torch.ones(3))


def test_a_write_is_a_new_version_of_all_views() -> None:
    x = torch.ones(3)
    view, before = x[1:], version_of(x)
    view += 1
    assert version_of(x) == version_of(view) == before + 1
    assert version_of(None) == 0
