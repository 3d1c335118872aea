"""Figures as people read them: three significant digits, a unit that fits, money to the cent.

Values come in base units (`units.py`) and leave as text. Owns rounding for display, and nothing else: no value that was
rounded here goes back into a computation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sizing.units import BILLION, GB, GIB, KB, KIB, MB, MIB, MICRO_USD_PER_USD, SECONDS_PER_HOUR, TERA

MINUTE_S = 60
CENTS_PER_USD = 100
MICRO_USD_PER_CENT = MICRO_USD_PER_USD // CENTS_PER_USD


def figure(value: float) -> str:
    """*value* with at most three significant digits and thousands separators: 0.045, 9.8, 310, 12,400."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    decimals = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    text = f"{rounded:,.{max(0, decimals)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: float) -> str:
    """A whole number in full, with thousands separators: 131,072; a broken one as a figure."""
    return f"{int(value):,}" if float(value).is_integer() else figure(value)


def money(usd: float) -> str:
    """
    USD to the cent with thousands separators: 1,234.50; never a negative zero.

    Rounded by way of whole micro-dollars, half a cent up: so a sum does not depend on the order of its parts.
    """
    whole = cents(abs(usd))
    return f"{'-' if usd < 0 and whole else ''}{whole // CENTS_PER_USD:,}.{whole % CENTS_PER_USD:02}"


def whole_cents(parts: Sequence[float], wanted: int) -> list[int]:
    """
    *parts* in whole cents that add up to the *wanted* cents, which their sum rounds to.

    Each is rounded down, and what is then missing goes to those that lost most: no part is off by a cent or more.
    """
    micro = [round(part * MICRO_USD_PER_USD) for part in parts]
    found = [x // MICRO_USD_PER_CENT for x in micro]
    by_loss = sorted(range(len(micro)), key=lambda at: (-(micro[at] % MICRO_USD_PER_CENT), at))
    for at in by_loss[: max(0, wanted - sum(found))]:
        found[at] += 1
    return found


def cents(usd: float) -> int:
    """An amount in whole cents, half a cent up, as `money` prints it."""
    return (round(usd * MICRO_USD_PER_USD) + MICRO_USD_PER_CENT // 2) // MICRO_USD_PER_CENT


def signed_money(usd: float) -> str:
    """USD to the cent with its sign: +55.04, -3.10, 0.00."""
    text = money(usd)
    return f"+{text}" if not text.startswith("-") and text != "0.00" else text


def unit_price(usd: float) -> str:
    """USD of one unit: to the cent from one dollar on, below it to three significant digits: 55.04, 0.045, 0.50."""
    if abs(usd) >= 1 or usd == round(usd, 2):
        return money(usd)
    return figure(usd)


def seconds(value_s: float) -> str:
    """A duration in the unit that fits it: 27 ms, 1.5 s, 4 min, 2.5 h."""
    size = abs(value_s)
    if size < 1:
        return f"{figure(value_s * 1000)} ms"
    if size < 2 * MINUTE_S:
        return f"{figure(value_s)} s"
    if size < 2 * SECONDS_PER_HOUR:
        return f"{figure(value_s / MINUTE_S)} min"
    return f"{figure(value_s / SECONDS_PER_HOUR)} h"


def memory(value_bytes: float) -> str:
    """Memory in binary units, as drivers report it: 71.2 GiB, 320 KiB."""
    if abs(value_bytes) >= GIB or value_bytes == 0:
        return f"{figure(value_bytes / GIB)} GiB"
    if abs(value_bytes) >= MIB:
        return f"{figure(value_bytes / MIB)} MiB"
    return f"{figure(value_bytes / KIB)} KiB"


def storage(value_bytes: float) -> str:
    """Stored or moved bytes in decimal units, as price lists count them: 141 GB, 2.1 TB."""
    if abs(value_bytes) >= TERA:
        return f"{figure(value_bytes / TERA)} TB"
    return f"{figure(value_bytes / GB)} GB" if abs(value_bytes) >= GB else f"{figure(value_bytes / MB)} MB"


def bandwidth(value_bytes_per_s: float) -> str:
    """A byte rate in decimal units: 3.35 TB/s, 50 GB/s."""
    return f"{storage(value_bytes_per_s)}/s"


def arithmetic(value_flop_per_s: float) -> str:
    """A peak rate of operations: 989 TFLOP/s, 1.98 PFLOP/s."""
    if value_flop_per_s >= 1000 * TERA:
        return f"{figure(value_flop_per_s / TERA / 1000)} PFLOP/s"
    return f"{figure(value_flop_per_s / TERA)} TFLOP/s"


def parameters(value: float) -> str:
    """Parameters of a model: 70.6 B, 1.04 T, 560 M."""
    if value >= TERA:
        return f"{figure(value / TERA)} T"
    return f"{figure(value / BILLION)} B" if value >= BILLION else f"{figure(value / MB)} M"


def rate(value_per_s: float, noun: str = "") -> str:
    """Things per second, thousands as k: 12 /s, 9.8 k/s, 3,840 tokens/s with a *noun*."""
    if noun:
        return f"{figure(value_per_s)} {noun}/s"
    return f"{figure(value_per_s / KB)} k/s" if abs(value_per_s) >= 10 * KB else f"{figure(value_per_s)} /s"


def percent(share: float) -> str:
    """A share of one in percent: 38 %; two digits are enough for a margin, one place below ten."""
    value = share * 100
    return f"{value:,.0f} %" if abs(value) >= 10 or value == round(value) else f"{figure(round(value, 1))} %"


def span(low: str, planned: str, high: str) -> str:
    """Both ends of an interval, without their unit where it is that of the *planned* value: 250-390, 900 ms-1.2 s."""
    unit = f" {planned.rpartition(' ')[2]}"
    if low.endswith(unit) and high.endswith(unit):
        return f"{low.removesuffix(unit)}-{high.removesuffix(unit)}"
    return f"{low}-{high}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """*number* with its noun: 1 machine, 3 machines, 2 policies."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
