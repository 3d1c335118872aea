"""Peers beside us: each on the rows that it answers, and only there."""

from dataclasses import replace

import pytest

from benchmarks.peers import compare
from tests.test_held_out import ROW

ROWS = [replace(ROW, id=str(number), value=10.0) for number in range(1, 5)]
OURS = {"1": 11.0, "2": 12.0, "3": 13.0, "4": 99.0}


def test_errors_are_medians_over_the_rows_that_the_peer_answers():
    """It is off by 40 and 20 % on the two rows that it answers, we by 10 and 20 % on the same two."""
    (found,) = compare("peer", {"1": 14.0, "2": 8.0, "3": None}, ROWS, OURS, {})
    assert (found.asked, found.answered) == (3, 2)
    assert found.of_peer == pytest.approx(0.30)
    assert found.of_ours == pytest.approx(0.15)
    assert found.of_ours_held_out is None


def test_held_out_predictions_stand_beside_only_where_every_row_has_one():
    """A median over fewer rows would compare with something else."""
    answers: dict[str, float | None] = {"1": 14.0, "2": 8.0}
    (whole,) = compare("peer", answers, ROWS, OURS, {"1": 12.0, "2": 12.0})
    (part,) = compare("peer", answers, ROWS, OURS, {"1": 12.0})
    assert whole.of_ours_held_out == pytest.approx(0.20)
    assert part.of_ours_held_out is None


def test_rows_that_say_little_are_left_out_of_the_comparison():
    queued = [replace(row, flags=frozenset({"queue_bound"})) for row in ROWS]
    assert compare("peer", {"1": 14.0}, queued, OURS, {}) == []
