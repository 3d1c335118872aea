"""Figures: three significant digits, a unit that fits, money to the cent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.figures import (
    arithmetic,
    bandwidth,
    count,
    figure,
    memory,
    money,
    parameters,
    percent,
    plural,
    rate,
    seconds,
    signed_money,
    storage,
    unit_price,
)
from sizing.units import GIB, KIB


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0448, "0.0448"), (9.84, "9.84"), (9.80, "9.8"), (31.25, "31.2"), (310.4, "310"), (12_449, "12,400"), (0, "0")],
)
def test_a_figure_has_at_most_three_significant_digits(value: float, text: str) -> None:
    """Trailing zeros go, thousands are separated, and small numbers keep their digits."""
    assert figure(value) == text


def test_a_rounded_figure_never_gains_a_digit() -> None:
    """0.9996 rounds up to 1, 99.96 to 100: both keep three digits."""
    assert (figure(0.9996), figure(99.96), figure(999.6)) == ("1", "100", "1,000")


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_a_figure_is_within_half_a_percent(value: float) -> None:
    """Three digits are off by at most 0.005 of the value, whatever its size."""
    assert float(figure(value).replace(",", "")) == pytest.approx(value, rel=0.00501)


def test_money_is_to_the_cent_and_knows_no_negative_zero() -> None:
    """A difference of a tenth of a cent is no difference to a person."""
    assert (money(80_358.4), money(-0.001), signed_money(55.04), signed_money(-3.1), signed_money(0)) == (
        "80,358.40",
        "0.00",
        "+55.04",
        "-3.10",
        "0.00",
    )


def test_half_a_cent_rounds_up_whatever_the_order_of_a_sum() -> None:
    """165.12 + 3 x 0.045 is 165.255, which binary fractions hold as a little less."""
    assert money(165.12 + 0.045 + 0.045 + 0.045) == money(0.045 * 3 + 165.12) == "165.26"


def test_unit_prices_below_a_dollar_keep_the_digits_that_matter() -> None:
    """0.045 USD per GB must not become 0.05."""
    assert [unit_price(x) for x in (55.04, 0.045, 0.5, 0.70683226, 10.8)] == [
        "55.04",
        "0.045",
        "0.50",
        "0.707",
        "10.80",
    ]


def test_durations_take_the_unit_that_fits() -> None:
    """Milliseconds below a second, minutes from two of them, hours from two of them."""
    assert [seconds(x) for x in (0.027, 1.5, 90, 240, 9000)] == ["27 ms", "1.5 s", "90 s", "4 min", "2.5 h"]


def test_memory_is_binary_and_storage_decimal() -> None:
    """Drivers count GiB, price lists and checkpoints GB."""
    assert (memory(71.2 * GIB), memory(320 * KIB), storage(141e9), storage(2.1e12)) == (
        "71.2 GiB",
        "320 KiB",
        "141 GB",
        "2.1 TB",
    )


def test_rates_of_hardware() -> None:
    """The H100's data sheet: 3.35 TB/s and 989 dense TFLOP/s; two petaflops at fp8."""
    assert (bandwidth(3.35e12), arithmetic(989.4e12), arithmetic(1978.9e12)) == (
        "3.35 TB/s",
        "989 TFLOP/s",
        "1.98 PFLOP/s",
    )


def test_counts_are_told_in_full() -> None:
    """A context of 131,072 tokens is not 131,000; half a machine is not rounded away."""
    assert (count(131072), count(1.5), parameters(70.6e9), rate(9800, "tokens"), rate(12), rate(12_400)) == (
        "131,072",
        "1.5",
        "70.6 B",
        "9,800 tokens/s",
        "12 /s",
        "12.4 k/s",
    )


def test_percentages_and_plurals() -> None:
    """Margins need two digits; one thing has no s."""
    assert [percent(x) for x in (0.38, 0.067, -0.02, 1.5)] == ["38 %", "6.7 %", "-2 %", "150 %"]
    assert (plural(1, "machine"), plural(3, "machine"), plural(2, "property", "properties")) == (
        "1 machine",
        "3 machines",
        "2 properties",
    )
