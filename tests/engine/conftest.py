"""What the tests on the real engine share: the CLI must be there; `make engine` sees to that."""

from __future__ import annotations

import os
import shutil

import pytest

from infra.apply.installed import BUILT, VARIABLE
from tests.project import ROOT


@pytest.fixture(autouse=True, scope="session")
def cli_is_there() -> None:
    """Fail at once, with the mend, where no Pulumi CLI is on this machine."""
    if not (os.environ.get(VARIABLE) or shutil.which("pulumi") or (ROOT / BUILT).is_file()):
        pytest.fail("no Pulumi CLI here: run these tests by `make engine`, which builds one")
