"""The benchmark of waiting asks all its questions, on its smallest stack."""

import json

import pytest

from benchmarks.waiting import main


def test_a_stack_is_weighed_sized_and_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """One workload at half its cost: the refusal has a way out, which is more money."""
    main(["--workloads", "1", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [one["what"] for one in told] == ["weighed", "sized", "refused"]
    assert told[1]["answer"].endswith("optimal")
    assert int(told[2]["answer"].split()[0]) >= 1
