"""Intervals as probabilities: a lognormal whose halves differ, worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sizing.performance import Estimate, Grade
from sizing.performance.certainty.confidence import probability_at_least, probability_at_most, quantile

SHARES = st.floats(0.01, 0.99)
FACTORS = st.floats(1.01, 5.0)


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, grade=Grade.CALIBRATED)


HALF_A_SECOND = estimate(0.5, 0.4, 1.0)


def test_the_prediction_is_the_median_and_the_interval_ends_at_tenths():
    assert quantile(HALF_A_SECOND, 0.5) == 0.5
    assert quantile(HALF_A_SECOND, 0.9) == pytest.approx(1.0)
    assert quantile(HALF_A_SECOND, 0.1) == pytest.approx(0.4)
    assert probability_at_most(HALF_A_SECOND, 1.0) == pytest.approx(0.9)
    assert probability_at_most(HALF_A_SECOND, 0.5) == 0.5
    assert probability_at_most(HALF_A_SECOND, 0.4) == pytest.approx(0.1)
    assert probability_at_least(HALF_A_SECOND, 0.4) == pytest.approx(0.9)


def test_half_of_the_way_in_logarithms_is_0_64_standard_deviations():
    """0.5 x root 2 = 0.7071 s: ln(root 2) / (ln 2 / 1.2816) = 0.6408, of which the normal has 73.9 % below."""
    assert probability_at_most(HALF_A_SECOND, 0.70711) == pytest.approx(0.7392, abs=1e-4)


def test_80_per_cent_are_kept_up_to_0_8416_standard_deviations():
    """0.5 x 2^(0.8416 / 1.2816) = 0.5 x 2^0.6567 = 0.788 s."""
    assert quantile(HALF_A_SECOND, 0.8) == pytest.approx(0.7883, abs=1e-4)


def test_an_exact_value_keeps_a_limit_or_does_not():
    exact = estimate(3.0, 3.0, 3.0)
    assert [probability_at_most(exact, limit) for limit in (2.9, 3.0, 3.1)] == [0, 1, 1]
    assert [probability_at_least(exact, limit) for limit in (2.9, 3.0, 3.1)] == [1, 1, 0]
    assert quantile(exact, 0.9) == 3.0


def test_an_interval_that_starts_at_nothing_is_no_mistake():
    """A rate that may not be reached at all: whatever is asked below the prediction is as likely as not."""
    rate = estimate(7.0, 0.0, 9.0)
    assert probability_at_least(rate, 3.0) == 0.5
    assert quantile(rate, 0.4) == 0.0


def test_nothing_is_below_nothing():
    assert probability_at_most(HALF_A_SECOND, 0.0) == 0.0
    assert probability_at_least(HALF_A_SECOND, 0.0) == 1.0


@given(low=FACTORS, high=FACTORS, share=SHARES)
def test_a_quantile_is_kept_by_its_share(low, high, share):
    """One is the inverse of the other."""
    one = estimate(2.0, 2.0 / low, 2.0 * high)
    assert probability_at_most(one, quantile(one, share)) == pytest.approx(share, abs=1e-9)


@given(low=FACTORS, high=FACTORS, limits=st.tuples(st.floats(0.1, 20), st.floats(0.1, 20)))
def test_a_looser_limit_is_never_less_likely(low, high, limits):
    one = estimate(2.0, 2.0 / low, 2.0 * high)
    tight, loose = sorted(limits)
    assert probability_at_most(one, tight) <= probability_at_most(one, loose)
    assert probability_at_least(one, loose) <= probability_at_least(one, tight)


@given(low=FACTORS, high=FACTORS, limit=st.floats(0.1, 20))
def test_at_most_and_at_least_share_out_the_whole(low, high, limit):
    one = estimate(2.0, 2.0 / low, 2.0 * high)
    assume(limit != 2.0)
    assert probability_at_most(one, limit) + probability_at_least(one, limit) == pytest.approx(1.0)
