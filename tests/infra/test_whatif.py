"""`sizeup whatif` as a user meets it: other traffic and traces on the locked plan, every mistake of a trace by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.trace import read_trace
from sizing.catalog import Precision
from sizing.errors import InvalidSpec
from sizing.performance import Layout, OperatingPoint, replica_on
from sizing.simulation import Request, percentile, requests_of
from sizing.simulation.whatif import needed_over_time, random_traffic, replayed, traffic_of
from tests.examples import CHAT, CHAT_OBJECTIVES, H100, LLAMA_8B
from tests.project import edited, project_copy, sizeup

HEADER = "arrival_s,input_tokens,output_tokens\n"
REPLICA = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two minutes at two requests a second, then one at sixty."""
    lines = [f"{k / 2},{900 + 10 * (k % 7)},{100 + 5 * (k % 5)}" for k in range(240)]
    lines += [f"{120 + k / 60},{900},{100}" for k in range(3600)]
    path = tmp_path / "trace.csv"
    path.write_text(HEADER + "\n".join(lines) + "\n")
    return path


def small(*options: str) -> dict[str, Any]:
    ended = sizeup("whatif", "small-aws", "--json", *options)
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    assert document["stack"] == "small-aws"
    (workload,) = document["workloads"]
    return dict(workload)


def test_the_stated_traffic_on_the_plan_keeps_what_was_promised():
    """Percentiles side by side, within a fifth of each other, and every limit kept by the simulation too."""
    found = small("--requests", "1500")
    for metric, limit in (("ttft", found["limits"]["ttft_p95_s"]), ("tpot", found["limits"]["tpot_p95_s"])):
        simulated, told = found["simulated"][metric]["p95_s"], found["closed_form"][metric]["p95_s"]
        assert told == pytest.approx(simulated, rel=0.2)
        assert limit is None or simulated <= limit
    assert found["within_limits"] > 0.9
    assert found["replicas_needed"]["peak"] <= found["replicas"]


def test_more_traffic_takes_longer_and_more_replicas():
    """Half as much again; and the same on twice the replicas."""
    as_stated, more = small("--requests", "600"), small("--requests", "600", "--scale", "1.5")
    assert more["requests_per_s"] == pytest.approx(1.5 * as_stated["requests_per_s"])
    assert more["simulated"]["tpot"]["p95_s"] > as_stated["simulated"]["tpot"]["p95_s"]
    assert more["replicas_needed"]["peak"] >= as_stated["replicas_needed"]["peak"]
    eased = small("--requests", "600", "--scale", "1.5", "--replicas", str(2 * as_stated["replicas"]))
    assert eased["simulated"]["tpot"]["p95_s"] < more["simulated"]["tpot"]["p95_s"]


def test_a_trace_is_replayed_whole(trace: Path):
    """3,840 requests; the last minute takes the most replicas."""
    found = small("--trace", str(trace))
    assert found["requests"] + found["refused"] == 3840
    assert found["input_tokens_mean"] == pytest.approx(902, abs=1)  # 240 of 3,840 are 30 longer in the mean
    assert found["replicas_needed"]["peak_at_s"] == 120
    faster = small("--trace", str(trace), "--scale", "2")
    assert faster["requests_per_s"] == pytest.approx(2 * found["requests_per_s"])


def test_the_text_fits_the_screen_and_tells_the_same(trace: Path):
    """80 columns, without colour in a pipe; the same run gives the same bytes."""
    ended = sizeup("whatif", "small-aws", "--trace", str(trace))
    assert ended.status == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "\033" not in ended.out
    for words in ("simulated", "closed form", "TTFT p95", "between tokens p99", "cache held", "replica"):
        assert words in ended.out
    assert sizeup("whatif", "small-aws", "--trace", str(trace)).out == ended.out


def test_all_mistakes_of_a_trace_are_told_with_their_lines(tmp_path: Path):
    """Exit status 2, nothing on stdout, no traceback."""
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + "1,10,x\n-3,0,5\n\n2,10\nnan,1.5,1\n")
    ended = sizeup("whatif", "small-aws", "--trace", str(path))
    assert (ended.status, ended.out) == (2, "")
    for told in (
        "6 mistakes",
        "line 2, output_tokens: is 'x'",
        "line 3, arrival_s: is '-3'",
        "line 5, output_tokens: is empty",
    ):
        assert told in ended.err
    assert "hint:" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no column arrival_s, input_tokens, output_tokens"),
        (b"time,input_tokens,output_tokens\n1,1,1\n", "has no column arrival_s"),
        (HEADER.encode(), "holds no request"),
        (b"\xff\xfe\x00", "no CSV in UTF-8"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, content: bytes | None, said: str):
    path = tmp_path / "trace.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSpec, match=said):
        read_trace(path)


def test_of_a_file_full_of_mistakes_twenty_are_told(tmp_path: Path):
    path = tmp_path / "trace.csv"
    path.write_text(HEADER + "a,b,c\n" * 30)
    with pytest.raises(InvalidSpec, match="has 70 more") as refused:
        read_trace(path)
    assert len(refused.value.problems) == 21


def test_a_trace_is_sorted_by_arrival_and_may_have_other_columns(tmp_path: Path):
    """As a log has them: by completion."""
    path = tmp_path / "trace.csv"
    path.write_text("model, arrival_s ,output_tokens,input_tokens\nm,2,7,30\nm,1.5,8,20\n")
    assert read_trace(path) == (
        Request(arrival_s=1.5, input_tokens=20, output_tokens=8),
        Request(arrival_s=2.0, input_tokens=30, output_tokens=7),
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scale", "0", "--replicas", "-2"], ["--scale is 0", "--replicas is -2"]),
        (["--workload", "assit"], ["no workload 'assit'", "hint:"]),
        (["--rate", "nan"], ["--rate is nan"]),
    ],
)
def test_options_that_cannot_be_are_told_at_once(options: list[str], said: list[str]):
    ended = sizeup("whatif", "small-aws", *options)
    assert (ended.status, ended.out) == (2, "")
    assert all(text in ended.err for text in said)


def test_a_stale_plan_is_refused_with_the_mend(tmp_path: Path):
    """What the plan was not made for is not tried on it."""
    project = project_copy(tmp_path)
    edited(project, "small-aws", "requests_per_s: 20", "requests_per_s: 45")
    ended = sizeup("whatif", "small-aws", root=project)
    assert ended.status == 1
    assert "sizeup size small-aws" in ended.err


def test_replicas_over_time_are_the_rate_of_each_window_over_that_of_one():
    """
    Windows of 60 s with 60, 600 and 0 requests, and one more at 200 s: at 4/s each, ceil(1 / 4), ceil(10 / 4), 0 and 1.

    Peak 3 from 60 s on; mean (1 + 3 + 0 + 1) / 4.
    """
    arrivals = [float(k) for k in range(60)] + [60 + k / 10 for k in range(600)] + [200.0]
    trace = [Request(arrival_s=one, input_tokens=10, output_tokens=10) for one in arrivals]
    needed = needed_over_time(trace, 4.0)
    assert (needed.peak, needed.peak_at_s, needed.mean) == (3, 60.0, 1.25)
    assert needed_over_time(trace, 0.0).peak == 0


def test_a_trace_of_random_requests_is_the_traffic_that_they_were_drawn_from():
    """5,000 requests: rate, mean lengths and burstiness come back."""
    traffic = traffic_of(requests_of(CHAT, number=5000, seed=1), prefix_hit=0.3)
    assert traffic.requests_per_s == pytest.approx(12, rel=0.05)
    assert traffic.input_tokens.mean == pytest.approx(1800, rel=0.06)
    assert traffic.output_tokens.mean == pytest.approx(320, rel=0.06)
    assert traffic.burstiness == pytest.approx(1, rel=0.1)


def test_a_trace_and_the_random_traffic_that_it_was_drawn_from_come_to_the_same():
    """The same load on two replicas, by either way: latencies within a tenth, TTFT's tail within a third."""
    drawn = random_traffic(
        REPLICA,
        traffic=CHAT,
        requests=2000,
        objectives=CHAT_OBJECTIVES,
        replicas=2,
        max_context_tokens=8192,
        seed=3,
    )
    played = replayed(
        REPLICA,
        trace=requests_of(CHAT, number=4000, seed=11),
        prefix_hit=CHAT.prefix_hit,
        objectives=CHAT_OBJECTIVES,
        replicas=2,
        max_context_tokens=8192,
        seed=3,
    )
    assert percentile(played.simulated.tpot_s, 0.5) == pytest.approx(percentile(drawn.simulated.tpot_s, 0.5), rel=0.1)
    assert percentile(played.simulated.ttft_s, 0.95) == pytest.approx(
        percentile(drawn.simulated.ttft_s, 0.95), rel=0.33
    )
    assert played.refused == pytest.approx(drawn.refused, rel=0.25)
    assert isinstance(played.closed_form, OperatingPoint)
    assert played.within <= 1 - played.refused / 4000
