"""The smooth roofline: the time of work that needs both memory traffic and arithmetic."""

from __future__ import annotations

# Sharpness of the knee. A hard maximum is too fast where both take about as long (64 to 512 tokens a pass): measured
# kernels reach 0.57 to 0.76 of it there, which 2 ** (1 / 3) = 1.26 meets. Source: performance model section 1.6.
KNEE = 3.0


def roofline_s(memory_s: float, arithmetic_s: float) -> float:
    """
    Time of a kernel whose memory traffic alone takes *memory_s* and whose arithmetic alone takes *arithmetic_s*.

    Never less than either, and 26 % more than each where they are equal.
    """
    longer, shorter = max(memory_s, arithmetic_s), min(memory_s, arithmetic_s)
    if longer <= 0:
        return 0.0
    # the shorter over the longer, so that no power under- or overflows
    return float(longer * (1 + (shorter / longer) ** KNEE) ** (1 / KNEE))
