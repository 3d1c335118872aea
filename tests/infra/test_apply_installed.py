"""Where the Pulumi CLI is looked for, and what is said where it is missing, too old, or no CLI at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from infra.apply.installed import BUILT, VARIABLE, find_cli
from infra.failures import ProgramFailed
from tests.project import ROOT, sizeup


def cli(path: Path, says: str) -> Path:
    """A program at *path* that prints what it is asked for: its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def environ(*folders: Path, **more: str) -> dict[str, str]:
    """An environment whose PATH holds *folders* and the shell's own."""
    return {"PATH": os.pathsep.join([*map(str, folders), "/bin", "/usr/bin"]), **more}


def test_the_named_cli_comes_before_the_one_on_path_and_that_before_the_built_one(tmp_path: Path):
    """SIZEUP_PULUMI, PATH, .engine/bin, in this order."""
    named = cli(tmp_path / "named" / "mine", "v3.301.0")
    on_path = cli(tmp_path / "bin" / "pulumi", "v3.300.0")
    built = cli(tmp_path / BUILT, "3.259.0")
    assert find_cli(tmp_path, environ(on_path.parent, **{VARIABLE: str(named)})).path == named
    found = find_cli(tmp_path, environ(on_path.parent))
    assert (found.path, found.version) == (on_path, "3.300.0")
    assert find_cli(tmp_path, environ()).path == built


def test_without_a_cli_the_mend_is_told(tmp_path: Path):
    """Where it was looked for, how to have one, and what works without."""
    with pytest.raises(ProgramFailed, match="not on this machine") as told:
        find_cli(tmp_path, environ())
    assert "make .engine/bin/pulumi" in told.value.mend
    assert "sizeup preview" in told.value.mend


@pytest.mark.parametrize("says", ["v3.205.0", "v2.25.0", "v4.0.0"])
def test_a_cli_of_another_age_is_refused(says: str, tmp_path: Path):
    """Before 3.206 events do not come over gRPC; another major release is another program."""
    on_path = cli(tmp_path / "pulumi", says)
    with pytest.raises(ProgramFailed, match=re.escape(says.removeprefix("v"))):
        find_cli(tmp_path, environ(on_path.parent))


def test_something_else_under_that_name_is_refused(tmp_path: Path):
    """A program that does not say a version, or does not run."""
    with pytest.raises(ProgramFailed, match="does not say"):
        find_cli(tmp_path, environ(cli(tmp_path / "pulumi", "usage: pulumi").parent))
    with pytest.raises(ProgramFailed, match="does not run"):
        find_cli(tmp_path, environ(**{VARIABLE: str(tmp_path / "nowhere")}))


def test_up_without_a_cli_ends_with_status_3_and_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The same for every command that needs it; nothing is written."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    for command in (
        ["up", "small-aws", "--yes"],
        ["destroy", "small-aws", "--yes"],
        ["preview", "small-aws", "--engine"],
    ):
        ended = sizeup(*command)
        assert (ended.status, ended.out) == (3, "")
        assert ended.err.startswith("error: the Pulumi CLI")
        assert "hint:" in ended.err
        assert "Traceback" not in ended.err
    assert not (ROOT / ".sizeup").exists()


def test_nobody_can_be_asked_without_a_terminal():
    """Refused before anything is looked for."""
    ended = sizeup("up", "small-aws")
    assert ended.status == 1
    assert "sizeup up small-aws --yes" in ended.err


def test_the_version_that_is_built_is_written_in_one_place():
    """In go.mod, from where the Makefile takes it for the linker."""
    required = re.findall(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", (ROOT / "tools/engine/go.mod").read_text("utf-8"))
    assert len(required) == 1
    for path in ("Makefile", ".ci/run", "tools/engine/tools.go", "pyproject.toml"):
        assert required[0] not in (ROOT / path).read_text("utf-8"), path
    sdk = re.findall(r"github\.com/pulumi/pulumi/sdk/v3 v(\S+)", (ROOT / "tools/engine/go.mod").read_text("utf-8"))
    assert sdk == required
