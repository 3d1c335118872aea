"""Faults strike where they were told to, as often as they were told to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.commands import FAULTS
from infra.emulation.faults import FILE, Fault, Injection, Method, read_faults, write_faults
from infra.failures import WrongInput


@given(nth=st.integers(1, 20), times=st.one_of(st.none(), st.integers(1, 20)))
def test_a_fault_spares_those_before_it_and_hits_as_many_as_it_says(nth, times):
    """Of a hundred matches: none before the nth, then so many in a row, or all that are left."""
    struck = [seen for seen in range(1, 101) if Injection(fault=Fault.CRASH, nth=nth, times=times).strikes(seen)]
    assert struck == list(range(nth, 101 if times is None else nth + times))


def test_a_fault_concerns_what_its_patterns_match():
    injection = Injection(fault=Fault.NO_CAPACITY, type="aws:eks/*", name="p5-*")
    assert injection.concerns(Method.CREATE, "aws:eks/nodeGroup:NodeGroup", "p5-48xlarge-use1-az1-nodes")
    assert not injection.concerns(Method.UPDATE, "aws:eks/nodeGroup:NodeGroup", "p5-48xlarge-use1-az1-nodes")
    assert not injection.concerns(Method.CREATE, "aws:eks/nodeGroup:NodeGroup", "m7i-xlarge-use1-az1-nodes")
    assert not injection.concerns(Method.CREATE, "aws:ec2/vpc:Vpc", "p5-network")


def test_faults_are_read_as_they_were_written(tmp_path: Path):
    faults = (
        Injection(fault=Fault.THROTTLED, type="aws:ec2/*", method=Method.DELETE, nth=3, times=None),
        Injection(fault=Fault.PARTIAL),
    )
    write_faults(tmp_path, faults)
    assert read_faults(tmp_path) == faults


def test_a_folder_without_a_list_has_no_faults(tmp_path: Path):
    assert read_faults(tmp_path) == ()


@pytest.mark.parametrize(
    "text", ["{", '[{"fault": "rain"}]', '[{"name": "x"}]', '["crash"]', '[{"fault":"crash","n":1}]']
)
def test_a_list_that_cannot_be_read_is_told_with_the_faults_there_are(tmp_path: Path, text: str):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(WrongInput, match="faults are no-capacity, quota-exceeded"):
        read_faults(tmp_path)


def test_counts_below_one_are_refused():
    with pytest.raises(WrongInput, match="at least 1"):
        Injection(fault=Fault.CRASH, nth=0)


def test_the_command_offers_every_fault():
    """The command line's list stands apart, so that the other commands need not load this."""
    assert tuple(Fault) == FAULTS
