"""A search that tries half as many values ends where halving alone does."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sizing.performance.serving.bisection import RELATIVE_STEP, largest


def by_halving(taken: Callable[[float], float], low: float, high: float) -> float:
    """Plain bisection: every middle is tried."""
    if taken(high) <= 1:
        return high
    step = RELATIVE_STEP * high
    while high - low > min(step, RELATIVE_STEP * high):
        middle = (low + high) / 2
        low, high = (middle, high) if taken(middle) <= 1 else (low, middle)
    return low


def taking(where: float, power: float, kink: float, rise: float) -> Callable[[float], float]:
    """A power law, flat or steep, that takes all at *where*, and beyond *kink* takes *rise* more."""
    return lambda value: float((value / where) ** power) + (rise if value > kink else 0.0)


CURVES = st.builds(
    taking,
    where=st.floats(1e-3, 1e4),
    power=st.floats(0.01, 20),
    kink=st.floats(1e-3, 2e3),
    rise=st.sampled_from([0.0, 0.0, 0.5, 30.0]),
)


@given(taken=CURVES, low=st.sampled_from([0.0, 1e-3]), high=st.floats(0.5, 1024.0))
def test_the_value_is_the_one_that_halving_finds(taken: Callable[[float], float], low: float, high: float) -> None:
    """To the last digit, so that a plan does not depend on how it was searched for."""
    assert largest(taken, low, high) == by_halving(taken, low, high)


def test_a_smooth_law_takes_half_as_many_trials() -> None:
    """x^0.8 / 20: halving tries the end and then 17 middles, from 500 down to 1e-4 of 42."""
    tried: list[float] = []

    def taken(value: float) -> float:
        tried.append(value)
        return float(value**0.8) / 20

    found = largest(taken, 0.0, 500.0)
    aimed = len(tried)
    assert found == by_halving(taken, 0.0, 500.0)
    assert aimed <= (len(tried) - aimed) / 2


def test_what_takes_too_much_everywhere_ends_at_the_low_end() -> None:
    """As halving does: nothing is known of the low end but that it is taken to do."""
    assert largest(lambda _: 2.0, 1e-3, 64.0) == 1e-3
