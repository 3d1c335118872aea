"""One copy of the project with clouds, plugins, state and home of its own, for the real engine to work in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.apply.engine import Engine, find_engine
from infra.apply.installed import BUILT, VARIABLE
from infra.emulation.cloud import Cloud
from infra.emulation.faults import Injection, write_faults
from infra.emulation.surroundings import cloud_folder, environment, prepare
from tests.project import PARTS, ROOT, Ended

PROVIDER = "pulumi:providers:"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A project, and everything that the engine sees around it."""

    root: Path
    emulation: Path
    environ: Mapping[str, str]

    @property
    def engine(self) -> Engine:
        """The real engine on this project."""
        return find_engine(self.root, self.environ)

    def sizeup(self, *arguments: str) -> Ended:
        """What `sizeup` says, in a process of its own, without a terminal."""
        return self._ended([sys.executable, "-m", "infra.cli", *arguments])

    def pulumi(self, *arguments: str) -> Ended:
        """What the Pulumi CLI says."""
        return self._ended([str(self.engine.cli.path), "--non-interactive", *arguments])

    def shell(self, command: str) -> Ended:
        """What a command that sizeup printed says, typed in as it stands."""
        folders = [self.environ["PATH"], str(self.engine.cli.path.parent), str(Path(sys.executable).parent)]
        environ = {**self.environ, "PATH": os.pathsep.join(folders)}
        return self._ended(["sh", "-c", command], environ)

    def _ended(self, words: list[str], environ: Mapping[str, str] | None = None) -> Ended:
        ended = subprocess.run(  # noqa: S603  our own commands
            words, cwd=self.root, env=dict(environ or self.environ), capture_output=True, text=True, check=False
        )
        return Ended(status=ended.returncode, out=ended.stdout, err=ended.stderr)

    def state(self, stack: str) -> dict[str, Any]:
        """The deployment that the backend holds, secrets encrypted."""
        exported = self.pulumi("stack", "export", "--stack", stack)
        assert exported.status == 0, exported.err
        deployment: dict[str, Any] = json.loads(exported.out)["deployment"]
        return deployment

    def recorded(self, stack: str) -> set[tuple[str, str]]:
        """Type and id of every cloud resource in the state."""
        return {
            (item["type"], item["id"])
            for item in self.state(stack).get("resources", ())
            if item.get("custom") and not item["type"].startswith(PROVIDER) and not item.get("external")
        }

    def existing(self) -> set[tuple[str, str]]:
        """Type and id of everything that the emulated clouds have."""
        cloud = Cloud(cloud_folder(self.emulation))
        try:
            return {(item.type, item.id) for item in cloud.existing()}
        finally:
            cloud.close()

    def made_for(self) -> dict[str, list[tuple[str, str]]]:
        """Type and id of what the clouds have, by the resource of the program that each was made for."""
        cloud = Cloud(cloud_folder(self.emulation))
        found: dict[str, list[tuple[str, str]]] = {}
        try:
            for item in cloud.existing():
                found.setdefault(item.urn, []).append((item.type, item.id))
        finally:
            cloud.close()
        return found

    def strike(self, faults: Iterable[Injection]) -> None:
        """Have the clouds fail so from now on."""
        write_faults(cloud_folder(self.emulation), faults)


def world(folder: Path, *, delay_s: float = 0.0) -> World:
    """A new world in *folder*: nothing is deployed."""
    root = copy_of_project(folder / "project")
    emulation = folder / "emulation"
    prepare(emulation)
    environ = {**os.environ, **environment(emulation, delay_s=delay_s), "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    if shutil.which("pulumi") is None:
        environ[VARIABLE] = str(ROOT / BUILT)
    return World(root=root, emulation=emulation, environ=environ)


def copy_of_project(folder: Path) -> Path:
    """The project's files in *folder*, to be edited."""
    folder.mkdir(parents=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


def beside(whole: World, folder: Path) -> World:
    """The same clouds and state under a fresh copy of the project, which may be edited: nothing is applied from it."""
    root = copy_of_project(folder)
    shutil.copytree(whole.root / "stacks", root / "stacks", dirs_exist_ok=True)
    return World(root=root, emulation=whole.emulation, environ=whole.environ)
