"""`sizeup rehearse` on the real engine: every act ends as it should, and nothing of the user's is touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from infra.apply.installed import BUILT, VARIABLE
from tests.project import ROOT, contents, project_copy, sizeup

pytestmark = pytest.mark.xdist_group("rehearse")


def test_a_stack_is_rehearsed_from_its_first_deployment_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A fault that stops and one that does not, a provider that dies; its orphan is found and its pool made once."""
    if shutil.which("pulumi") is None and VARIABLE not in os.environ:
        monkeypatch.setenv(VARIABLE, str(ROOT / BUILT))
    (tmp_path / "mine").mkdir()
    root = project_copy(tmp_path / "mine")
    before, entries = contents(root), {path.name for path in root.iterdir()}
    faults = ("no-capacity", "throttled-briefly", "crash")
    chosen = [word for fault in faults for word in ("--fault", fault)]
    ended = sizeup("rehearse", "small-aws", "--json", *chosen, root=root)
    found = json.loads(ended.out)
    assert (ended.status, found["ended_well"]) == (0, True), ended.out
    acts = {act["name"]: act for act in found["acts"]}
    assert list(acts) == ["up", "up again", "change", *faults, "destroy"]

    assert acts["up"]["agreement"]["both"] == acts["up"]["counts"]["create"] - _not_in_the_cloud(acts)
    assert acts["change"]["counts"] == {"update": 1}
    assert acts["no-capacity"]["failure"]["kind"] == "no capacity"
    assert len(acts["no-capacity"]["left"]["broken"]) == 1
    assert any("pulumi state taint" in mend for mend in acts["no-capacity"]["mends"])
    assert acts["throttled-briefly"]["failure"] is None
    assert acts["crash"]["failure"]["kind"] == "crashed"
    assert len(acts["crash"]["left"]["stray"]) == 1
    assert "is not taken down" in acts["destroy"]["refused"]
    assert acts["destroy"]["agreement"]["both"] == 0

    assert contents(root) == before
    assert {path.name for path in root.iterdir()} == entries


def _not_in_the_cloud(acts: dict[str, dict[str, dict[str, int]]]) -> int:
    """Components and providers: what was created and is no cloud's; the same in every first deployment."""
    again = acts["throttled-briefly"]
    return again["counts"]["create"] - again["agreement"]["both"]
