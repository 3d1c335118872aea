"""GKE versions in order."""

from __future__ import annotations

import pytest

from components.rules.gke_version import is_before


@pytest.mark.parametrize(
    ("version", "first", "before"),
    [
        ("1.34.1-gke.1829000", "1.34.1-gke.1829001", True),
        ("1.34.1-gke.1829001", "1.34.1-gke.1829001", False),
        ("1.35.0-gke.274500", "1.35.0-gke.3065000", True),  # builds are numbers, not texts
        ("1.9.7", "1.35.0-gke.274500", True),
        ("1.35", "1.35.0-gke.274500", False),  # a prefix may be the newest of its minor version
        ("1.34", "1.35.0-gke.274500", True),
        ("latest", "1.35.0-gke.274500", False),  # an alias may be anything
        (None, "1.35.0-gke.274500", False),
    ],
)
def test_a_version_is_old_only_where_it_surely_is(version: str | None, first: str, before: bool):  # noqa: FBT001  a table
    """Compared number by number."""
    assert is_before(version, first) is before
