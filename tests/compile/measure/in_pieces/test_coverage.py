"""What the sentence about a network in pieces says, and what batches and phases add up to."""

from __future__ import annotations

from dataclasses import replace

from compile.measure.in_pieces.coverage import Coverage, LeftOut

OUT = LeftOut("a", 10, 200), LeftOut("b", 20, 300)
WHOLE = Coverage(2, 5, 100, 1000, (), needed=3 << 30, room=1 << 30)


def test_sentences():
    why = "as all of it may take 3.00 GiB, and half of the free memory is 1.00 GiB"
    assert WHOLE.text() == f"all 5 populations in 2 pieces, each fed with recorded emissions, {why}"
    part = replace(WHOLE, left_out=OUT)
    ran = "3 of 5 populations (70 of 100 neurons, 500 of 1,000 synapses)"
    assert (
        part.text()
        == f"{ran} in 2 pieces, each fed with recorded emissions, {why}; not run, too large even alone: a, b"
    )
    many = tuple(LeftOut(name, 1, 1) for name in "abcde")
    assert replace(WHOLE, left_out=many).text().endswith("too large even alone: a, b, c and 2 more")
    assert replace(part, pieces=0).text() == f"not run, {why}"
    assert [each.mark for each in (WHOLE, part, replace(part, pieces=0))] == ["PASS", "PASS IN PART", "NOT RUN"]


def test_phases_and_batches():
    both = replace(WHOLE, left_out=OUT[:1]).followed_by(replace(WHOLE, left_out=OUT[1:]))
    assert (both.pieces, both.populations, both.neurons, both.synapses, both.left_out) == (4, 10, 200, 2000, OUT)
    assert replace(WHOLE, left_out=OUT[:1]).joined(replace(WHOLE, left_out=OUT)).left_out == OUT
