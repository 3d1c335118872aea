"""Pipelines wait for their longest pass."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.performance.passes.pipeline import most_of, stalled_stages


def test_the_larger_of_two_passes_with_one_prompt_each_in_the_mean():
    """1 - P(X <= k)^2 for k = 0, 1, ...: 0.8647 + 0.4586 + 0.1542 + 0.0376 + 0.0073 + 0.0012 = 1.524."""
    assert most_of(2, 1.0) == pytest.approx(1.524, abs=0.001)
    assert most_of(1, 3.0) == pytest.approx(3.0, abs=1e-4)


def test_a_prompt_that_comes_alone_stalls_every_stage():
    """Rare prompts are never in two passes of a round."""
    assert stalled_stages(4, 0.0) == 4
    assert stalled_stages(4, 0.01) == pytest.approx(4, rel=0.03)


def test_passes_that_all_have_many_prompts_are_nearly_alike():
    """Four passes with 100 each: 100 + 1.03 standard deviations of 10, so 1.10 stages."""
    assert stalled_stages(4, 100.0) == pytest.approx(1.10, abs=0.01)


def test_no_number_of_prompts_is_too_large():
    """1,000 and 1.03 standard deviations of 31.6; of one pass, the mean."""
    assert most_of(4, 1000.0) == pytest.approx(1032.6, abs=1)
    assert most_of(4, 100.0) == pytest.approx(most_of(4, 100.01), rel=0.003)
    assert most_of(1, 5000.0) == pytest.approx(5000)


def test_one_stage_waits_for_none():
    assert stalled_stages(1, 0.5) == 1


@given(stages=st.integers(1, 16), prompts=st.floats(0, 5000), more=st.floats(1, 3))
def test_a_prompt_stalls_between_one_and_all_stages(stages, prompts, more):
    """And fewer, the more prompts a pass has."""
    stalled = stalled_stages(stages, prompts)
    assert 1 - 1e-4 <= stalled <= stages * (1 + 1e-6)
    assert stalled_stages(stages, prompts * more + 0.01) <= stalled * (1 + 1e-3)


def pipelined_s(stages, prompts, *, passes=12_000):
    """
    Mean time between passes through a pipeline, worked out pass by pass: a stage begins when the pass has left the one
    before and the pass before it has left this one, and a batch comes back when it has left the last.

    A pass takes one second in each stage, and one more for each prompt.
    """
    chance = Random(20261121)  # noqa: S311  no secret: the same numbers each time
    left, done = [0.0] * stages, [0.0] * passes
    for number in range(passes):
        takes = 1.0 + poisson(chance, prompts)
        at = done[number - stages] if number >= stages else 0.0
        for stage in range(stages):
            at = left[stage] = max(at, left[stage]) + takes
        done[number] = at
    return done[-1] / passes


def poisson(chance, mean):
    """Arrivals of one second, by their exponential gaps."""
    number, at = 0, chance.expovariate(mean)
    while at < 1:
        number, at = number + 1, at + chance.expovariate(mean)
    return number


@pytest.mark.parametrize(
    ("stages", "prompts"), [(2, 0.25), (2, 1.0), (2, 4.0), (4, 0.25), (4, 1.0), (4, 4.0), (8, 1.0)]
)
def test_the_closed_form_agrees_with_a_pipeline_pass_by_pass(stages, prompts):
    """Within 15 %: passes that wait only for their neighbours lose a little less than those that move on together."""
    stalled = (pipelined_s(stages, prompts) - 1) / prompts
    assert stalled_stages(stages, prompts) == pytest.approx(stalled, rel=0.15)
