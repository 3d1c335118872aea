"""What failures are taken for, from what users of the clouds and of Pulumi report (`tests/reference/failures.json`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.apply.diagnosis import Kind, diagnosed

REPORTED = json.loads((Path(__file__).parents[1] / "reference" / "failures.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", REPORTED, ids=lambda row: row["kind"])
def test_a_failure_is_told_by_what_was_said(row: dict[str, str]):
    """The kind, a clause with the names and numbers that were said, and the mend."""
    found = diagnosed(row["said"], stack="chat")
    assert found.kind is Kind(row["kind"])
    assert row["what"] in found.what
    assert row["mend"] in found.mend


def test_the_line_that_tells_most_is_kept():
    """Of a long output, what decided; without what programs put before it."""
    text = "Updating (chat):\n\nstderr: error: the stack is currently locked by 1 lock(s).\n  and more"
    assert diagnosed(text, stack="chat").said == "the stack is currently locked by 1 lock(s)."
