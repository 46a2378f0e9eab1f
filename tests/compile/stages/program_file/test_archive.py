"""The zip of a program file: the same bytes each time, equal arrays once, nothing that runs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from compile.stages.program_file.archive import ArrayMembers, array_of, unzipped, zipped


def test_equal_arrays_are_one_member_and_come_back_read_only():
    arrays = ArrayMembers()
    first = np.arange(6, dtype=np.int8).reshape(2, 3)
    names = [arrays.add(array) for array in (first, first.copy(), first.astype(np.int16), first.T, first + 1)]
    assert names == [f"arrays/{number}.npy" for number in (0, 0, 1, 2, 3)]
    again = array_of(arrays.members[names[3]])
    assert np.array_equal(again, first.T)
    assert (again.dtype, again.flags.writeable) == (np.int8, False)


def test_pickled_objects_are_refused():
    file = io.BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        array_of(file.getvalue())


def test_a_zip_is_the_same_each_time(tmp_path: Path):
    members = {"a": b"1" * 1000, "b/c": b""}
    assert zipped(members) == zipped(dict(members))
    (tmp_path / "zip").write_bytes(zipped(members))
    assert unzipped(tmp_path / "zip") == members
