"""A stage mirrors the user's project: it can be played on, and nothing of the user's is in reach."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.emulation.stage import _mirror
from tests.project import contents, edited, project_copy

SALT = "encryptionsalt: v1:abc=:v1:def:ghi\n"


def copied(folder: Path) -> Path:
    """A copy of the project."""
    (folder / "mine").mkdir()
    return project_copy(folder / "mine")


def test_a_stage_is_the_users_project_by_links_with_stacks_of_its_own(tmp_path: Path):
    root = copied(tmp_path)
    _mirror(root, tmp_path / "stage", "chat-aws")
    assert (tmp_path / "stage" / "infra").resolve() == (root / "infra").resolve()
    assert not (tmp_path / "stage" / "stacks").is_symlink()
    assert not (tmp_path / "stage" / ".git").exists()
    before = contents(root)
    (tmp_path / "stage" / "stacks" / "chat-aws.plan.json").write_text("{}")
    assert contents(root) == before


def test_secrets_that_only_the_user_can_read_are_left_out(tmp_path: Path):
    """The stage has a passphrase of its own; the user's file keeps its ciphertext."""
    root = copied(tmp_path)
    path = edited(root, "chat-aws", "config:\n", f"{SALT}config:\n  sizeup:api_key: {{secure: v1:nonce:text}}\n")
    before = path.read_bytes()
    assert _mirror(root, tmp_path / "stage", "chat-aws") == ("sizeup:api_key",)
    written = (tmp_path / "stage" / "stacks" / "Pulumi.chat-aws.yaml").read_text()
    document = yaml.safe_load(written)
    assert "encryptionsalt" not in document
    assert "sizeup:api_key" not in document["config"]
    assert document["config"]["sizeup:cloud"] == "aws"
    assert path.read_bytes() == before


def test_a_backend_that_the_project_names_is_not_the_stages(tmp_path: Path):
    root = copied(tmp_path)
    file = root / "Pulumi.yaml"
    file.write_text(file.read_text() + "backend: {url: s3://production-state}\n")
    _mirror(root, tmp_path / "stage", "chat-aws")
    document = yaml.safe_load((tmp_path / "stage" / "Pulumi.yaml").read_text())
    assert "backend" not in document
    assert document["main"] == "infra"
