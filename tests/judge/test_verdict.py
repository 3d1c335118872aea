"""What judgements come to: open, waived, waivers that are of no use, checks that never ran."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infra.failures import ProgramFailed, WrongInput
from infra.stack import stack_names
from tests.project import ROOT
from tools.judge.checkov import Judgement, judge, read
from tools.judge.report import report
from tools.judge.variants import load_variants
from tools.judge.verdict import Demand, Waiver, load_baseline, load_waivers, verdict

ROTATES = Judgement(check="CKV_AWS_7", resource="aws_kms_key.logs", stack="chat", title="keys rotate", passed=True)
LOGGED = Judgement(check="CKV_AWS_18", resource="aws_s3_bucket.models", stack="chat", title="is logged", passed=False)
WAIVER = Waiver(check="CKV_AWS_18", resources="aws_s3_bucket.*", stacks=(), reason="it is the log", date="2026-11-21")
DEMAND = Demand(check="CKV_AWS_7", what="KMS keys rotate", not_here=None, absent=())
KINDS = {"aws_kms_key", "aws_s3_bucket"}


def test_a_finding_that_nobody_waived_is_open():
    """And the run does not hold."""
    found = verdict([ROTATES, LOGGED], [], [DEMAND], rendered=KINDS)
    assert (found.open, found.holds) == ((LOGGED,), False)


def test_a_waived_finding_is_not_open():
    """By check and pattern of the resource."""
    found = verdict([ROTATES, LOGGED], [WAIVER], [DEMAND], rendered=KINDS)
    assert (found.waived, found.open, found.holds) == (((LOGGED, WAIVER),), (), True)


@pytest.mark.parametrize(
    "other", [{"check": "CKV_AWS_19"}, {"resources": "aws_s3_bucket.logs"}, {"stacks": ("small",)}], ids=str
)
def test_a_waiver_that_matches_nothing_fails_the_run(other: dict[str, object]):
    """Of another check, another resource, another stack: what it once excused is mended, or was never there."""
    idle = replace(WAIVER, **other)  # type: ignore[arg-type]
    found = verdict([ROTATES, LOGGED], [WAIVER, idle], [DEMAND], rendered=KINDS)
    assert (found.idle, found.holds) == ((idle,), False)


def test_what_passes_needs_no_waiver():
    """A waiver of it is idle."""
    found = verdict([replace(LOGGED, passed=True)], [WAIVER], [], rendered=KINDS)
    assert found.idle == (WAIVER,)


def test_a_check_that_judged_nothing_fails_the_run():
    """It would approve of anything."""
    found = verdict([LOGGED], [WAIVER], [DEMAND], rendered=KINDS)
    assert (found.never_ran, found.holds) == ((DEMAND,), False)


def test_a_check_that_is_said_to_have_nothing_to_judge_is_held_to_it():
    """By its having run, or by a resource of a type that it is for."""
    absent = replace(DEMAND, check="CKV_AWS_42", not_here="no component makes one", absent=("aws_efs_file_system",))
    assert verdict([ROTATES], [], [absent], rendered=KINDS).holds
    assert verdict([ROTATES], [], [absent], rendered=KINDS | {"aws_efs_file_system"}).refuted == (absent,)
    ran = replace(ROTATES, check="CKV_AWS_42")
    assert verdict([ran], [], [absent], rendered=KINDS).refuted == (absent,)


def test_types_that_no_check_is_for_are_told():
    """Never silently left out."""
    found = verdict([ROTATES], [], [], rendered={"aws_kms_key", "aws_eip"})
    assert found.unjudged == ("aws_eip",)
    assert "no check for resources of these types\n  aws_eip" in report(found, stacks=["chat"])


def test_the_report_names_what_is_open_and_why_the_rest_stays():
    """With one line that sums up."""
    other = replace(LOGGED, resource="aws_kms_key.logs", check="CKV_AWS_9", title="has a policy")
    text = report(verdict([ROTATES, LOGGED, other], [WAIVER], [], rendered=KINDS), stacks=["chat", "small"])
    assert "CKV_AWS_9  aws_kms_key.logs  chat    has a policy" in text
    assert "it is the log (2026-11-21)" in text
    assert text.endswith("checkov on 2 stacks: 2 resources, 3 checks; 1 passed, 1 waived, 1 open\n")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"reason": " "}, "CKV_AWS_18: has no reason"),
        ({"date": "last week"}, "'last week' is no date"),
        ({"resources": ["a", "a"]}, "CKV_AWS_18 on a is waived twice"),
    ],
)
def test_a_waiver_without_reason_or_date_is_refused(tmp_path, row: dict[str, object], said: str):
    """As is one that stands there twice."""
    path = tmp_path / "waivers.json"
    whole = {"check": "CKV_AWS_18", "resources": ["a"], "reason": "it is the log", "date": "2026-11-21"} | row
    path.write_text(json.dumps({"waivers": [whole]}))
    with pytest.raises(WrongInput, match=said):
        load_waivers(path)


def test_the_waivers_and_the_baseline_that_are_packaged_can_be_read():
    """Each check of the baseline stands there once; waivers name stacks that exist."""
    baseline = [one.check for one in load_baseline()]
    assert len(baseline) == len(set(baseline)) > 100
    assert {stack for one in load_waivers() for stack in one.stacks} <= {*stack_names(ROOT), *load_variants()}


def test_one_report_is_read_like_several():
    """A list comes only where two frameworks found files."""
    row = {"check_id": "CKV_AWS_7", "resource": "aws_kms_key.logs", "check_name": "keys rotate"}
    one = {"check_type": "terraform_plan", "results": {"passed_checks": [row], "failed_checks": []}}
    assert read(json.dumps(one), stack="chat") == read(json.dumps([one, {"passed": 0}]), stack="chat") == (ROTATES,)


@pytest.mark.parametrize(
    ("output", "said"),
    [("oh no", "answered no JSON"), ('{"results": {"parsing_errors": ["plan.json"]}}', "cannot read plan.json")],
)
def test_what_checkov_could_not_judge_is_no_approval(output: str, said: str):
    """A file that it cannot read has no findings either."""
    with pytest.raises(ProgramFailed, match=said):
        read(output, stack="chat")


def test_without_its_environment_the_mend_is_told(tmp_path):
    """In one message, without a trace."""
    with pytest.raises(ProgramFailed, match=r"did not run.*\n.*make judge"):
        judge({"chat": tmp_path}, program=tmp_path / "checkov")
