"""An option's replicas without those that nothing is lost without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.tables import Tables


def trimmed(tables: Tables, option: int, replicas: Mapping[int, Sequence[int]]) -> Placed:
    """*replicas* of *option*, by place and period, less those that could go while it still carries its demand."""
    kept = {place: list(counts) for place, counts in replicas.items()}
    for place in sorted(kept, reverse=True):
        for period in tables.periods:
            while kept[place][period] and _carries(tables, option, kept, period, without=place):
                kept[place][period] -= 1
    return Placed(
        option=option, replicas=tuple((place, tuple(counts)) for place, counts in sorted(kept.items()) if any(counts))
    )


def _carries(tables: Tables, option: int, replicas: Mapping[int, Sequence[int]], period: int, *, without: int) -> bool:
    """Whether the option carries its demand with one replica fewer on a place."""
    of = tables.options[option]
    firm = [0] * len(of.zones)
    spot = [0] * len(of.zones)
    for place, counts in replicas.items():
        zones = spot if tables.is_spot[place] else firm
        zones[tables.zone[place]] += counts[period] - (place == without)
    both = [a + b for a, b in zip(firm, spot, strict=True)]
    lost_firm, lost = (max(firm), max(both)) if of.zone_loss else (0, 0)
    return (
        sum(firm) - lost_firm >= of.firm[period]
        and sum(both) - lost >= of.total[period]
        and sum(spot) >= of.spot[period]
    )
