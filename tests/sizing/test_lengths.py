"""Distributions of lengths: lognormal, through several percentiles, and as observed; and how bursty arrivals are."""

from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.spec.lengths import (
    cube_mean,
    interarrival_variation,
    measured,
    percentile,
    quantiles,
    second_moment_over_mean,
    sigma,
    slices,
    square_mean,
    through,
    up_to,
    within_context,
)
from sizing.spec.workload import TokenLengths, Traffic

PROMPTS = TokenLengths(mean=1800, p95=6000)


def test_a_lognormal_goes_through_its_mean_and_its_95th_percentile():
    """Mean 1,800 and p95 6,000: sigma 1.645 - sqrt(1.645^2 - 2 ln(6000 / 1800)) = 1.099."""
    assert sigma(PROMPTS) == pytest.approx(1.099, abs=0.001)
    assert percentile(PROMPTS, 0.95) == pytest.approx(6000)
    assert sum(quantiles(PROMPTS, 30)) / 30 == pytest.approx(1800)
    assert second_moment_over_mean(PROMPTS) == pytest.approx(1800 * exp(1.099**2), rel=0.01)
    assert cube_mean(PROMPTS) == pytest.approx(1800**3 * exp(3 * 1.099**2), rel=0.01)


def test_slices_keep_the_first_two_moments():
    """Their mean is the mean; the squares of their means and the variances within are the mean square."""
    found = slices(PROMPTS)
    assert sum(one.weight for one in found) == pytest.approx(1)
    assert sum(one.weight * one.tokens for one in found) == pytest.approx(1800)
    assert sum(one.weight * (one.tokens**2 + one.variance) for one in found) == pytest.approx(square_mean(PROMPTS))
    assert [one.tokens for one in found] == sorted(one.tokens for one in found)


def test_equal_lengths_have_no_spread():
    exact = TokenLengths(mean=500, p95=500)
    assert quantiles(exact, 30) == (500,) * 30
    assert [(one.weight, one.tokens, one.variance) for one in slices(exact)] == [(1.0, 500, 0.0)]


def test_a_wider_tail_than_any_lognormal_is_taken_at_the_widest():
    """p95 / mean of a lognormal is at most exp(1.645^2 / 2) = 3.87."""
    assert sigma(TokenLengths(mean=100, p95=1000)) == pytest.approx(1.645, abs=0.001)


def test_percentiles_of_a_lognormal_give_that_lognormal():
    """p50 1,000 and p95 3,000: sigma ln 3 / 1.645 = 0.668, mean 1000 exp(0.668^2 / 2) = 1,250."""
    found = through({0.5: 1000, 0.95: 3000})
    assert found.mean == pytest.approx(1250, rel=0.01)
    assert percentile(found, 0.5) == pytest.approx(1000, rel=0.01)
    assert percentile(found, 0.9) == pytest.approx(1000 * exp(0.668 * 1.2816), rel=0.01)
    assert found.p95 == 3000


def test_two_crowds_of_lengths_are_not_taken_for_one():
    """Half are short, a tenth are very long: every percentile that is given comes back, and the mean with them."""
    asked = {0.5: 100, 0.9: 4000, 0.95: 8000, 0.99: 16000}
    found = through(asked, mean=1300)
    assert found.mean == pytest.approx(1300, rel=1e-3)
    for share, length in asked.items():
        assert percentile(found, share) == pytest.approx(length, rel=0.05)


@pytest.mark.parametrize(
    ("percentiles", "mean", "said"),
    [
        ({0.95: 100}, None, "two or more"),
        ({0.5: 200, 0.95: 100}, None, "rise"),
        ({0.5: 100, 0.95: 200}, 5000, "the mean is"),
    ],
)
def test_percentiles_that_no_lengths_have_are_refused(percentiles, mean, said):
    with pytest.raises(ValueError, match=said):
        through(percentiles, mean=mean)


@given(st.lists(st.floats(1, 1e5), min_size=1, max_size=1000))
def test_observed_lengths_keep_their_mean_within_their_range(samples):
    found = measured(samples)
    assert min(samples) * (1 - 1e-9) <= found.mean <= max(samples) * (1 + 1e-9)
    assert list(found.points) == sorted(found.points)
    assert sum(one.weight for one in slices(found)) == pytest.approx(1)


def test_a_trace_of_lognormal_lengths_is_reduced_to_them():
    """20,000 draws: mean, mean square and percentiles come back within a few percent."""
    random = Random(1)  # noqa: S311  lengths, not a secret
    draws = [percentile(PROMPTS, random.random()) for _ in range(20_000)]
    found = measured(draws)
    assert found.mean == pytest.approx(sum(draws) / len(draws), rel=0.001)
    assert square_mean(found) == pytest.approx(square_mean(PROMPTS), rel=0.15)
    assert found.p95 == pytest.approx(6000, rel=0.03)
    assert percentile(found, 0.5) == pytest.approx(percentile(PROMPTS, 0.5), rel=0.03)


def test_no_lengths_are_no_distribution():
    with pytest.raises(ValueError, match="no lengths"):
        measured([])


def test_the_variation_of_arrivals_is_that_of_their_gaps():
    """A clock: 0. Gaps 1 and 3 in turn: mean 2, variance 1, a quarter. Exponential gaps: 1."""
    assert interarrival_variation([float(k) for k in range(10)]) == 0
    assert interarrival_variation([0, 1, 4, 5, 8, 9, 12]) == pytest.approx(0.25)
    random, now, arrivals = Random(2), 0.0, []  # noqa: S311
    for _ in range(20_000):
        now += random.expovariate(3.0)
        arrivals.append(now)
    assert interarrival_variation(arrivals) == pytest.approx(1, rel=0.05)
    assert interarrival_variation([5.0, 5.0, 5.0]) == 1


def test_lengths_that_are_cut_off_are_those_that_do_not_exceed():
    """Median 1,000, sigma 1: half is left below the median, with its 90th percentile where 45 % of all are."""
    whole = TokenLengths(mean=1000 * exp(0.5), p95=1000 * exp(1.6449))
    half = up_to(whole, 1000)
    assert max(half.points) <= 1000
    assert percentile(half, 0.9) == pytest.approx(percentile(whole, 0.45), rel=0.01)
    assert up_to(whole, 1e9) is whole
    assert up_to(TokenLengths(mean=500, p95=500), 600) == TokenLengths(mean=500, p95=500)


def test_requests_that_do_not_fit_the_context_are_not_served():
    """Of 8,192 tokens, prompts have what a mean answer leaves, and answers what a mean prompt leaves."""
    traffic = Traffic(
        requests_per_s=12,
        input_tokens=PROMPTS,
        output_tokens=TokenLengths(mean=320, p95=900),
        prefix_hit=0.3,
        burstiness=1.0,
    )
    cut = within_context(traffic, 8192)
    assert max(cut.input_tokens.points) <= 8192 - 320
    assert cut.input_tokens.mean < 1800
    assert cut.output_tokens == traffic.output_tokens  # one in ten thousand is longer than 6,392
    assert cut.requests_per_s == 12
    assert within_context(traffic, 10**6) == traffic
