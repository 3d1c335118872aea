"""Where the Pulumi CLI is, and whether its version will do. Nothing is installed, and nothing run but its version."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.failures import ProgramFailed

VARIABLE = "SIZEUP_PULUMI"  # a CLI that stands before all others
BUILT = Path(".engine/bin/pulumi")  # where `make engine` builds one
OLDEST = (3, 206, 0)  # the first whose events reach the Automation API of the locked SDK over gRPC (its _stack.py)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cli:
    """The Pulumi CLI on this machine."""

    path: Path
    version: str  # 3.259.0


def find_cli(root: Path, environ: Mapping[str, str]) -> Cli:
    """
    The CLI that SIZEUP_PULUMI names, else the one on PATH, else the one that `make engine` built in *root*.

    Raises:
        ProgramFailed: If there is none, or it is too old, or does not run; with the mend.
    """
    named = environ.get(VARIABLE)
    path = named or shutil.which("pulumi", path=environ.get("PATH"))
    if path is None and (root / BUILT).is_file():
        path = str(root / BUILT)
    if path is None:
        raise ProgramFailed(
            f"the Pulumi CLI is not on this machine: it is not on PATH, {VARIABLE} is not set, and there is no {BUILT}",
            mend="install it (https://www.pulumi.com/docs/install), or build it with Go: make .engine/bin/pulumi; "
            "`sizeup preview` needs none",
        )
    return Cli(path=Path(path), version=_version(path, environ))


def _version(path: str, environ: Mapping[str, str]) -> str:
    mend = f"install a current one, or name another one in {VARIABLE}"
    try:
        ended = subprocess.run(  # noqa: S603  the CLI that the user chose
            [path, "version"],
            env={**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramFailed(f"the Pulumi CLI {path} does not run ({error})", mend=mend) from None
    found = _VERSION.match(ended.stdout.strip())
    if ended.returncode or found is None:
        raise ProgramFailed(f"{path} does not say which version of Pulumi it is", mend=mend)
    version = tuple(map(int, found.groups()))
    if version[0] != OLDEST[0] or version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ProgramFailed(
            f"the Pulumi CLI {path} is of version {found[0]}; {oldest} or a later 3.x is needed", mend=mend
        )
    return ".".join(map(str, version))
