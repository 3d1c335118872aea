"""Custom timeouts: as the engine reads them."""

from __future__ import annotations

import pulumi
import pytest

from infra.recorder.recorder import Transport
from infra.recorder.timeouts import UnreadableTimeout, duration_s
from tests.recordings import Disk, named, recorded


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("1h30m", 5400), ("600s", 600), ("1.5h", 5400), ("1500ms", 1.5), ("0", 0), ("-1m", -60)],
)
def test_a_go_duration_is_read_in_seconds(text: str, seconds: float):
    """The examples of Go's time.ParseDuration, and its signs and fractions."""
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "90", "90 m", "1d", "m", "1h30", "+-1m"])
def test_what_is_no_duration_is_none(text: str):
    """Go wants a unit behind every number, and knows no days."""
    assert duration_s(text) is None


def test_a_recorded_resource_keeps_its_timeouts():
    """Those that it states, and no others."""
    slow = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="90m", delete="1h"))
    graph = recorded(lambda: (Disk("slow", size=1, opts=slow), Disk("plain", size=1)))
    assert named(graph, "slow").timeouts_s == {"create": 5400.0, "delete": 3600.0}
    assert named(graph, "plain").timeouts_s == {}


@pytest.mark.parametrize("transport", Transport)
def test_a_timeout_that_the_engine_refuses_is_refused(transport: Transport):
    """With the text as it stands, and a mend."""
    wrong = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="90"))
    with pytest.raises(UnreadableTimeout, match=r"customTimeout Value '90' of .*::slow") as refused:
        recorded(lambda: Disk("slow", size=1, opts=wrong), transport=transport)
    assert "write 90m" in str(refused.value)
