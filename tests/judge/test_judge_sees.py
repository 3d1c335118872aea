"""checkov itself over our rendering: it judges what the baseline names, and finds what is broken on purpose."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.judge.broken import AWS, GCP, KUBERNETES, REMOVED, ROLES, broken, without
from tests.project import ROOT
from tools.judge.__main__ import PROGRAM
from tools.judge.checkov import Judgement, judge
from tools.judge.rendering import recorded, write
from tools.judge.variants import load_variants, project_of
from tools.judge.verdict import load_baseline

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="checkov is not there: make judge sets it up")

# What is found where nothing makes it pass, in the examples as they are: both are waived, with their reasons.
ALWAYS_FOUND = {"CKV_AWS_144", "CKV2_AWS_62"}
# S3 encrypts every object since 2023, and checkov passes every bucket: it runs, and cannot fail any more.
NEVER_FOUND = {"CKV_AWS_19"}


def named(breaks: Iterable[str]) -> set[str]:
    return {check for checks in breaks for check in checks.split()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Judgement, ...]]:
    """What checkov says of each broken graph, by its name."""
    folder = tmp_path_factory.mktemp("broken")
    on_aws, its_origins = recorded(ROOT, "chat-aws")
    on_gcp, other_origins = recorded(ROOT, "chat-gcp")
    variant = load_variants()["chat-aws-by-hours"]
    by_hours, origins_by_hours = recorded(project_of(variant, root=ROOT, folder=folder / "project"), variant.of)
    graphs = {
        "aws": (broken(on_aws, (*AWS, *KUBERNETES)), its_origins),
        "removed": (without(on_aws, REMOVED), its_origins),
        "gcp": (broken(on_gcp, GCP), other_origins),
        "by hours": (broken(by_hours, ROLES), origins_by_hours),
    }
    for name, (graph, origins) in graphs.items():
        write(graph, origins, folder / name)
    judgements = judge({name: folder / name for name in graphs}, program=PROGRAM)
    return {name: tuple(one for one in judgements if one.stack == name) for name in graphs}


def test_every_check_of_the_baseline_has_its_break():
    """A check that nothing breaks here could have been silenced by the rendering, and nobody would know."""
    tried = named(one.checks for one in (*AWS, *KUBERNETES, *ROLES, *GCP)) | set(REMOVED.values())
    demanded = {one.check for one in load_baseline() if one.not_here is None}
    assert demanded - tried - ALWAYS_FOUND - NEVER_FOUND == set()


@pytest.mark.parametrize(
    ("graph", "check"),
    [
        *(("aws", check) for check in sorted(named(one.checks for one in (*AWS, *KUBERNETES)))),
        *(("removed", check) for check in sorted(REMOVED.values())),
        *(("gcp", check) for check in sorted(named(one.checks for one in GCP))),
        *(("by hours", check) for check in sorted(named(one.checks for one in ROLES))),
    ],
)
def test_what_is_broken_is_found(found: dict[str, tuple[Judgement, ...]], graph: str, check: str):
    """By the very check that the baseline names."""
    said = [one for one in found[graph] if one.check == check]
    assert said, f"{check} judged nothing"
    assert not all(one.passed for one in said)


@pytest.mark.parametrize("check", sorted({"CKV_AWS_18", "CKV_AWS_21", "CKV2_AWS_11", "CKV2_AWS_61", "CKV2_AWS_64"}))
def test_what_belongs_together_is_joined(found: dict[str, tuple[Judgement, ...]], check: str):
    """The other side of what is removed above: while both resources are there, the reference between them is seen."""
    said = [one for one in found["aws"] if one.check == check]
    assert said
    assert all(one.passed for one in said)
