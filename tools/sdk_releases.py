"""
Whether the recorder works with other releases of Pulumi's SDK: its tests, in a scratch environment for each.

`python -m tools.sdk_releases [RELEASE ...]`; without one, the oldest that pyproject.toml allows and the newest that pip
finds. All else is installed in the locked versions. Exit status 1 where a test fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEWEST = "newest"
TESTS = (
    "tests/infra/test_recorder.py",
    "tests/infra/test_recorder_options.py",
    "tests/infra/test_recorder_transforms.py",
)
NEEDED = (
    "grpcio",
    "hypothesis",
    "ortools",
    "pulumi-aws",
    "pulumi-gcp",
    "pulumi-kubernetes",
    "pydantic",
    "pytest",
    "pytest-xdist",
    "pyyaml",
)

_PIN = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def oldest() -> str:
    """The floor of the requirement in pyproject.toml."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = document["project"]["optional-dependencies"]["pulumi"]
    (floor,) = (one.removeprefix("pulumi>=").partition(",")[0] for one in wanted if one.startswith("pulumi>="))
    return f"{floor}.0" if floor.count(".") == 1 else floor


def passes(release: str) -> bool:
    """Run the recorder's tests on *release*; their output goes through."""
    locked = dict(_PIN.findall((ROOT / "requirements-dev.txt").read_text("utf-8")))
    with tempfile.TemporaryDirectory(prefix="sizeup-sdk-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        asked = "pulumi" if release == NEWEST else f"pulumi=={release}"
        pins = [f"{name}=={locked[name]}" for name in NEEDED]
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", asked, *pins]
        subprocess.run(install, check=True)  # noqa: S603  fixed programs, arguments passed as a list
        show = "import importlib.metadata as m; print('pulumi', m.version('pulumi'))"
        subprocess.run([python, "-c", show], check=True)  # noqa: S603  the same
        ran = subprocess.run(  # noqa: S603  the same
            [python, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *TESTS], cwd=ROOT, check=False
        )
    return ran.returncode == 0


def main() -> int:
    """Try the releases that the command line names."""
    releases = sys.argv[1:] or [oldest(), NEWEST]
    failing = [release for release in releases if not passes(release)]
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
