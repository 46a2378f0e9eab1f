"""What holds for every operation: attributes, operands, and the input that is fed."""

from __future__ import annotations

import pytest

from ir.errors import CompileError
from ir.ops import Add, Delay, Input, Repeat, Reshape, Scale, TimeSum, TimeWeight, UnfoldTime
from ir.ops.base import Op, arity, expect, own_window, result_type
from ir.types import Type, graded, parse_type


def test_the_attributes_are_the_fields_with_their_values():
    assert Scale(0.5).attributes() == {"factor": 0.5}
    assert Reshape((2, 3)).attributes() == {"shape": (2, 3)}


def test_an_operation_is_no_population_and_has_no_synapses_unless_it_says_so():
    op, args = Reshape((6,)), (parse_type("spike[2x3]"),)
    assert (op.neurons(op.infer(args, {})), op.synapses(args, {})) == (0, 0)
    assert (op.payload_operands(("a", "b")), op.enabling_operands(("a", "b"))) == (("a", "b"), ())


def test_an_operation_without_state_resumes_as_it_runs():
    assert Scale(3.0).resume((2.0,), {}, 1, None) == (6.0, None)


@pytest.mark.parametrize(("least", "most", "fits"), [(2, None, True), (1, None, False), (1, 2, True), (3, 5, False)])
def test_arity(least: int, most: int | None, fits: bool):
    args = (Type((1,)), Type((2,)))
    if fits:
        return arity(Delay(), args, least, most)
    with pytest.raises(CompileError, match=rf"delay takes {least}\.\.{most or least} operands, got 2") as error:
        arity(Delay(), args, least, most)
    assert error.value.rule == "ir.delay.arity"


def test_a_condition_that_does_not_hold_is_an_error_of_the_ir():
    expect(True, "some.rule", "is never said")
    with pytest.raises(CompileError) as error:
        expect(False, "some.rule", "does not hold", hint="do something")
    assert (error.value.rule, error.value.what, error.value.hint) == ("ir.some.rule", "does not hold", "do something")


def test_an_input_is_of_the_type_that_it_spells():
    assert Input("graded<8>[2x3]*0.5").infer((), {}) == Type((2, 3), graded(8), 0.5)
    with pytest.raises(CompileError, match="input takes"):
        Input("spike[3]").infer((Type((3,)),), {})
    with pytest.raises(CompileError, match="is not a type"):
        Input("spikes").infer((), {})
    with pytest.raises(AssertionError, match="fed"):
        Input("spike[3]").run((), {}, 1)


def test_the_base_says_nothing_of_types_and_values():
    with pytest.raises(NotImplementedError):
        Op().infer((), {})
    with pytest.raises(NotImplementedError):
        Op().run((), {}, 1)


def test_a_result_has_the_window_of_its_operands():
    long, static = Type((3,), steps=8), Type((3,), static=True)
    assert result_type(Add(), [long, static], {}, 4).steps == 8
    assert result_type(Add(), [long, static], {}, 8).steps == 0
    assert result_type(TimeSum(), [long], {}, 4) == Type((3,), static=True)
    assert own_window([static, long]) == 8
    assert own_window([static]) == own_window([Type((3,)), long]) == 0
    with pytest.raises(CompileError, match="add of values with 8 and 4 steps") as error:
        result_type(Add(), [long, Type((3,))], {}, 4)
    assert error.value.rule == "ir.steps"


def test_what_makes_time_says_how_long_it_is():
    static = Type((2, 3), static=True)
    assert result_type(UnfoldTime(0), [static], {}, 4) == Type((3,), steps=2)
    assert result_type(UnfoldTime(0), [static], {}, 2) == Type((3,))
    assert result_type(TimeWeight(), [static], {"weight": (7,)}, 4).steps == 7
    assert result_type(Repeat(7), [static], {}, 4).steps == 7
    assert Input("real[3] T=7").moved(4, 7) == Input("real[3]")
    assert (Repeat().moved(4, 7), Repeat(7).moved(4, 7)) == (Repeat(4), Repeat())
    assert Scale(2.0).moved(4, 7) == Scale(2.0)
