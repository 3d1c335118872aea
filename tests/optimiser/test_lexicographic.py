"""Models that CP-SAT refuses are told as what they are."""

from __future__ import annotations

import pytest
from ortools.sat.python import cp_model

from sizing.optimiser.levels.lexicographic import Aim, lexicographic


def test_a_model_whose_numbers_are_too_large_is_refused_with_the_solvers_own_reason() -> None:
    """Sixteen times a number of up to 2^60 is beyond 63 bits: CP-SAT takes no such sum, and says so."""
    model = cp_model.CpModel()
    machines = model.new_int_var(0, 2**60, "machines")
    model.add(16 * machines <= 7)
    with pytest.raises(ValueError, match=r"^the allocation model is invalid: .*overflow"):
        lexicographic(model, [Aim(expression=machines, limit=1)])
