"""Base units and the only conversions between them.

Inside the code there is one unit per dimension: bytes, seconds, bytes/s, FLOP/s, USD/h. These constants and functions
are used where facts are loaded and where text is rendered, nowhere between.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024**2
GIB = 1024**3
TIB = 1024**4
KB = 1000
MB = 1000**2
GB = 1000**3
TERA = 10**12
BILLION = 10**9

HOURS_PER_MONTH = 730  # 8,760 h a year / 12: what both clouds' price calculators use
SECONDS_PER_HOUR = 3600
SECONDS_PER_MONTH = HOURS_PER_MONTH * SECONDS_PER_HOUR

MICRO_USD_PER_USD = 1_000_000


def bytes_per_s_from_gbit_per_s(gbit_per_s: float) -> float:
    """Bytes per second of a network rate in Gbit/s (SI: 10^9 bits)."""
    return gbit_per_s * GB / 8


def usd_per_month(usd_per_hour: float) -> float:
    """USD per month of 730 hours."""
    return usd_per_hour * HOURS_PER_MONTH


def micro_usd(usd: float) -> int:
    """Whole micro-dollars, the integers that the solver prices in; rounded up, so no plan costs more than it says."""
    return -int(-usd * MICRO_USD_PER_USD // 1)
