"""A secret on the real engine: from `pulumi config set --secret` into the encrypted state, and nowhere in clear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.world import World, world
from tests.leaks import SECRET, leaks
from tests.project import Ended

pytestmark = pytest.mark.xdist_group("secrets")

STACK = "small-aws"
KEY = "sizeup:api_key"
OTHER = SECRET.replace("correct-horse", "battery-staple")


def said(ended: Ended) -> str:
    """What a command that went well said, on both streams."""
    assert ended.status == 0, ended.err
    return ended.out + ended.err


def written(here: World) -> Iterator[tuple[Path, str]]:
    """Every file of the project, the backend, the CLI's home and the clouds: states, backups, plans, logs."""
    for folder in (here.root, here.emulation):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes().decode("utf-8", errors="replace")


def test_a_secret_of_the_configuration_is_told_nowhere(tmp_path: Path):
    """Applied, compared, changed, applied again: every output and every file that was left, in every form."""
    here = world(tmp_path)
    told = [said(here.pulumi("stack", "init", STACK))]
    told.append(said(here.pulumi("config", "set", "--secret", KEY, SECRET, "--stack", STACK)))
    told.append(said(here.sizeup("up", STACK, "--yes")))
    opened = said(here.pulumi("stack", "export", "--show-secrets", "--stack", STACK))
    assert leaks(opened), "the secret never reached the state, so that this test would see nothing"

    told.append(said(here.sizeup("preview", STACK, "--deployed", "--full")))
    assert "no changes" in told[-1]
    told.append(said(here.pulumi("config", "set", "--secret", KEY, OTHER, "--stack", STACK)))
    told.append(said(here.sizeup("preview", STACK, "--deployed", "--json")))
    told.append(said(here.sizeup("preview", STACK, "--engine")))
    told.append(said(here.sizeup("up", STACK, "--yes", "--json")))
    told.append(said(here.pulumi("stack", "export", "--stack", STACK)))
    for text in told:
        assert leaks(text) + leaks(text, OTHER) == []
    for path, text in written(here):
        assert leaks(text) + leaks(text, OTHER) == [], path
