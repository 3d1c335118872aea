"""A stage for a rehearsal: the user's project with its stack, a cloud and a state that are thrown away afterwards.

The project is mirrored: everything is the user's own by links, but for the stacks folder, which is a copy, as the CLI
writes into it. Nothing of the user's environment that names a state, an account or a cluster is passed on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import CommandError

from infra.apply import engine as pulumi
from infra.apply.command import Command
from infra.apply.diagnosis import diagnosed
from infra.apply.engine import Engine
from infra.apply.installed import Cli
from infra.emulation.cloud import Cloud, Existing
from infra.emulation.faults import Injection, write_faults
from infra.emulation.surroundings import cloud_folder, environment, prepare
from infra.stack import STACKS, read_stack_file, stack_path

PLACEHOLDER = "placeholder-of-a-secret"  # stands for every encrypted value, which nobody here can read
_NOT_PASSED_ON = ("PULUMI_", "AWS_", "GOOGLE_", "CLOUDSDK_", "KUBE", "GCLOUD_", "SIZEUP_")
_NOT_MIRRORED = frozenset({STACKS, "Pulumi.yaml", ".git", ".pulumi", ".sizeup"})
_SECRETS_OF_THE_STACK = ("secretsprovider", "encryptionsalt", "encryptedkey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stack of one project, on its own."""

    folder: Path  # everything is in here
    engine: Engine  # on the mirrored project
    stack: str

    @property
    def root(self) -> Path:
        """The mirrored project."""
        return self.engine.root

    def strike(self, faults: Iterable[Injection]) -> None:
        """Have the clouds fail so from now on; without faults, they are well again."""
        write_faults(cloud_folder(self.folder), faults)

    def run(self, *words: str) -> str:
        """What one command of the CLI prints; raises as the engine's own does, with the mend."""
        command = Command(self.engine.cli, self.engine.environ)
        try:
            return command.run([*words, "--stack", self.stack], str(self.root), {}).stdout
        except CommandError as error:
            raise diagnosed(str(error), stack=self.stack).failure(f"pulumi {words[0]} {words[1]}") from None

    def state(self) -> dict[str, Any]:
        """The deployment that the state holds, secrets encrypted."""
        text = pulumi.exported(self.engine, self.stack, show_secrets=False)
        deployment: dict[str, Any] = json.loads(text or '{"deployment": {}}').get("deployment") or {}
        return deployment

    def existing(self) -> tuple[Existing, ...]:
        """Everything that the emulated clouds have."""
        cloud = self.cloud()
        try:
            return cloud.existing()
        finally:
            cloud.close()

    def cloud(self) -> Cloud:
        """The emulated clouds; to be closed."""
        return Cloud(cloud_folder(self.folder))


def staged(
    root: Path,
    stack: str,
    folder: Path,
    *,
    cli: Cli,
    environ: Mapping[str, str],
    faults: Iterable[Injection] = (),
    delay_s: float = 0.0,
) -> Stage:
    """
    A stage in *folder*, which is empty: the stack exists, and nothing is deployed.

    Args:
        root: The user's project, which stays as it is.
        stack: Name of the stack.
        folder: Where everything goes.
        cli: The Pulumi CLI.
        environ: The user's environment; what names a cloud or a state is left out.
        faults: What goes wrong in the clouds.
        delay_s: How long each change takes.
    """
    prepare(folder, faults)
    project = folder / "project"
    secrets = _mirror(root, project, stack)
    plain = {key: value for key, value in environ.items() if not key.startswith(_NOT_PASSED_ON)}
    stage = Stage(
        folder=folder,
        engine=Engine(cli=cli, root=project, environ={**plain, **environment(folder, delay_s=delay_s, base=plain)}),
        stack=stack,
    )
    pulumi.create(stage.engine, stack)
    for key in secrets:
        stage.run("config", "set", key, PLACEHOLDER, "--secret")
    return stage


def _mirror(root: Path, project: Path, stack: str) -> tuple[str, ...]:
    """Lay out *project* like *root*; the keys of the stack's encrypted values, which are left out."""
    project.mkdir()
    for entry in sorted(root.iterdir()):
        if entry.name not in _NOT_MIRRORED:
            (project / entry.name).symlink_to(entry)
    shutil.copytree(root / STACKS, project / STACKS)
    _project_file(root / "Pulumi.yaml", project / "Pulumi.yaml")
    return _without_secrets(project, stack)


def _project_file(source: Path, target: Path) -> None:
    """Copy a project file, without the backend that it may name."""
    document = yaml.safe_load(source.read_text(encoding="utf-8"))
    if isinstance(document, dict) and "backend" in document:
        del document["backend"]
        target.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    else:
        shutil.copy(source, target)


def _without_secrets(project: Path, stack: str) -> tuple[str, ...]:
    """Take out of the copied stack file what only the user's secrets provider can read; the keys of such values."""
    read_stack_file(project, stack)  # a mistake in it is told as ever
    path = stack_path(project, stack)
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    config = document.get("config") or {}
    encrypted = tuple(key for key, value in config.items() if isinstance(value, dict) and set(value) == {"secure"})
    if not encrypted and not any(key in document for key in _SECRETS_OF_THE_STACK):
        return ()
    kept = {key: value for key, value in document.items() if key not in _SECRETS_OF_THE_STACK}
    kept["config"] = {key: value for key, value in config.items() if key not in encrypted}
    path.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")
    return encrypted
