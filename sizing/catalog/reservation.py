"""How each cloud writes what names a reservation or a capacity block."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sizing.catalog.machine import Cloud

RESERVATION_NAMES: Mapping[Cloud, re.Pattern[str]] = {
    Cloud.AWS: re.compile(r"cr-[0-9a-f]{8,17}"),  # an id; of capacity blocks too
    Cloud.GCP: re.compile(  # alone or after the project that shares it, and a block of it where one is meant
        r"(projects/[a-z0-9:.-]+/reservations/)?[a-z]([-a-z0-9]*[a-z0-9])?(/reservationBlocks/[-a-z0-9]+)?"
    ),
}
