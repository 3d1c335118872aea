"""Where the real engine runs against emulated clouds: a folder with plugins, state and cloud, and the environment.

Nothing outside the folder is written, and no credentials are used: plugins come from the folder, state is a file there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import infra
from infra.emulation.cloud import release_guards
from infra.emulation.faults import Injection, write_faults

FOLDER, DELAY_S = "SIZEUP_EMULATION", "SIZEUP_EMULATION_DELAY_S"  # environment variables that plugins read
PACKAGES = ("aws", "gcp", "kubernetes")
PASSPHRASE = "rehearsal"  # noqa: S105  of a state that is thrown away
_PLUGINS, _HOME, _STATE, _CLOUD = "plugins", "home", "state", "cloud"


def prepare(folder: Path, faults: Iterable[Injection] = ()) -> None:
    """Lay out *folder*: the plugins as executables, a home for the CLI, a file backend, an empty cloud, its faults."""
    for part in (_PLUGINS, _HOME, _STATE, _CLOUD):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        _executable(folder / _PLUGINS / f"pulumi-resource-{package}", "provider", package)
    if not _cli_has_language_host():
        _executable(folder / _PLUGINS / "pulumi-language-python", "language")
    write_faults(cloud_folder(folder), faults)


def cloud_folder(folder: Path) -> Path:
    """Where in a rehearsal's *folder* the cloud and its faults are kept."""
    return folder / _CLOUD


def switch_off_deletion_protection(folder: Path) -> None:
    """In the cloud of *folder*, as its owner does with the cloud's own tools before a stack is taken down for good."""
    release_guards(cloud_folder(folder))


def environment(folder: Path, *, delay_s: float = 0.0, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    What to add to the environment of the Pulumi CLI, so that it runs in the prepared *folder* and nowhere else.

    Args:
        folder: As `prepare` laid it out.
        delay_s: How long each change takes in the cloud.
        base: The environment that it is added to; this process's own by default. Only PATH is read.
    """
    path = (os.environ if base is None else base).get("PATH", os.defpath)
    return {
        "PATH": os.pathsep.join([str(folder / _PLUGINS), path]),
        "PULUMI_HOME": str(folder / _HOME),
        "PULUMI_BACKEND_URL": (folder / _STATE).resolve().as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_SELF_MANAGED_STATE_NO_LEGACY_WARNING": "true",
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        FOLDER: str(cloud_folder(folder).resolve()),
        DELAY_S: str(delay_s),
    }


def _executable(path: Path, *arguments: str) -> None:
    """A script that becomes this very Python running the emulation, wherever the engine starts it."""
    roots = [str(Path(infra.__file__).parents[1])]
    words = [sys.executable, "-P", "-m", "infra.emulation", *arguments]  # -P: the program's folder shadows nothing
    script = (
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(os.pathsep.join(roots))}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        "export PYTHONPATH\n"
        f'exec {shlex.join(words)} "$@"\n'
    )
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


def _cli_has_language_host() -> bool:
    """Whether the CLI on PATH brings its own host for Python programs."""
    cli = shutil.which("pulumi")
    return cli is not None and (Path(cli).resolve().parent / "pulumi-language-python").exists()
