"""`sizeup rehearse` on the command line: what it needs, and what it refuses before anything is played."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.apply.installed import VARIABLE
from infra.emulation.acts import with_one_node_more
from infra.stack import load_plan
from tests.project import ROOT, STACKS, Ended, contents, project_copy, sizeup


def copied(folder: Path) -> Path:
    """A copy of the project."""
    (folder / "mine").mkdir()
    return project_copy(folder / "mine")


def without_pulumi(root: Path, *arguments: str) -> Ended:
    """What the command says where there is no Pulumi CLI."""
    environ = {key: value for key, value in os.environ.items() if key != VARIABLE}
    ended = subprocess.run(  # noqa: S603  this very Python
        [sys.executable, "-m", "infra.cli", *arguments],
        cwd=root,
        env={**environ, "PATH": "/nonexistent", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(status=ended.returncode, out=ended.stdout, err=ended.stderr)


def test_without_the_cli_the_mend_is_told(tmp_path: Path):
    """Exit status 3: another program is missing; no file of the user's is touched."""
    root = copied(tmp_path)
    before = contents(root)
    ended = without_pulumi(root, "rehearse", "chat-aws")
    assert ended.status == 3
    assert ended.out == ""
    assert "the Pulumi CLI is not on this machine" in ended.err
    assert "hint: " in ended.err
    assert contents(root) == before


@pytest.mark.parametrize("stack", STACKS)
def test_the_change_is_one_machine_more_that_stays_at_all_hours(stack: str, tmp_path: Path):
    """Nothing else of the plan differs: no machine comes or goes by hours that did not before."""
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    before = load_plan(tmp_path, stack)
    name = with_one_node_more(tmp_path, stack)
    (pool,) = [pool for pool in before.node_pools if pool.name == name]
    more = replace(pool, nodes=pool.nodes + 1, least_nodes=pool.least_nodes + 1)
    assert load_plan(tmp_path, stack) == replace(
        before, node_pools=tuple(more if pool.name == name else pool for pool in before.node_pools)
    )


def test_an_unknown_fault_is_told_with_those_there_are():
    ended = sizeup("rehearse", "chat-aws", "--fault", "rain")
    assert ended.status == 2
    assert "no-capacity" in ended.err


def test_a_folder_with_something_in_it_is_not_used(tmp_path: Path):
    from infra.commands.rehearse import _folder
    from infra.failures import WrongInput

    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(WrongInput, match="is not empty"), _folder(tmp_path):
        pass
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_folder_of_its_own_is_gone_afterwards():
    from infra.commands.rehearse import _folder

    with _folder(None) as folder:
        assert folder.is_dir()
    assert not folder.exists()
