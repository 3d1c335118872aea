"""The engine killed in the middle of an `up`, twenty times: what is pending is told, nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.engine.world import World, world
from tests.project import STACKS

DONE = " created"  # what the engine says of each resource, on a line of its own
TORN = re.compile(r"find FOLDER/\.pulumi -name '\*\.attrs' -empty -delete")
KILLS = [(STACKS[seed % len(STACKS)], seed) for seed in range(20)]


def killed_up(here: World, stack: str, *, after: int) -> bool:
    """Whether the engine was killed, by SIGKILL, right when *after* resources were made; False: it was done by then."""
    here.pulumi("stack", "init", stack, "--no-select")
    words = [str(here.engine.cli.path), "--non-interactive", "up", "--yes", "--skip-preview", "--stack", stack]
    with subprocess.Popen(  # noqa: S603  the CLI under test
        words, cwd=here.root, env=dict(here.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as engine:
        made = 0
        for line in engine.stdout or ():
            made += DONE in line
            if made == after:
                os.kill(engine.pid, signal.SIGKILL)
                break
        engine.stdout and engine.stdout.read()
    return engine.returncode == -signal.SIGKILL


def settling(here: World, stack: str, told: str) -> list[str]:
    """What a person does with the printed commands: cancel the dead run's lock; then name what the cloud has."""
    lines = [line.strip() for line in told.splitlines()]
    (cancel,) = [line for line in lines if line.startswith("pulumi cancel")]
    settle, *with_ids = [line for line in lines if line.startswith("sizeup settle")]
    if not with_ids:  # nothing was being created
        return [cancel, settle]
    known = here.recorded(stack)  # by type and id: the settings of a bucket have the bucket's id
    there = {urn: [found for found in all_of if found not in known] for urn, all_of in here.made_for().items()}
    words = shlex.split(settle)
    for word in shlex.split(with_ids[0]):
        urn, is_made, placeholder = word.partition("=")
        if is_made and there.get(urn):
            assert placeholder == "ID"
            ((_, id_),) = there[urn]
            words += ["--made", f"{urn}={id_}"]
    return [cancel, shlex.join(words)]


@pytest.mark.parametrize(("stack", "seed"), [pytest.param(*kill, id=f"{kill[0]}-{kill[1]}") for kill in KILLS])
def test_a_killed_engine_loses_and_doubles_nothing(stack: str, seed: int, tmp_path: Path):
    """Preview tells what is pending; up refuses, with the commands; after them, up settles the stack."""
    here = world(tmp_path, delay_s=0.05)
    after = random.Random(seed).randint(1, 60)  # noqa: S311  which step, the same in every run
    assert killed_up(here, stack, after=after)
    shown = here.sizeup("preview", stack, "--deployed", "--json")
    if shown.status == 3:  # killed while the file backend wrote
        found = TORN.search(" ".join(shown.err.split()))
        assert found is not None, shown.err
        assert here.shell(found[0].replace("FOLDER", str(here.emulation / "state"))).status == 0
        shown = here.sizeup("preview", stack, "--deployed", "--json")
    pending = here.state(stack).get("pending_operations") or []
    assert f'"urn": "{pending[0]["resource"]["urn"]}"' in shown.out if pending else shown.status == 0
    told = here.sizeup("up", stack, "--yes")
    if pending:
        assert told.status == 1
        assert all(operation["resource"]["urn"] in told.err for operation in pending)
        for command in settling(here, stack, told.err):
            ended = here.shell(command)
            assert ended.status == 0, (command, ended.out, ended.err)
    else:  # killed between two steps: only its lock is left
        assert told.status == 3
        (cancel,) = [line for line in told.err.splitlines() if "pulumi cancel" in line]
        assert here.shell(f"pulumi cancel --stack {stack} --yes").status == 0
        assert f"pulumi cancel --stack {stack} --yes" in " ".join(told.err.split()), cancel

    assert here.recorded(stack) == here.existing()
    done = here.sizeup("up", stack, "--yes")
    assert done.status == 0, done.err
    assert here.recorded(stack) == here.existing()
    assert not here.state(stack).get("pending_operations")
    assert {urn: found for urn, found in here.made_for().items() if len(found) > 1} == {}
    assert here.pulumi("preview", "--stack", stack, "--expect-no-changes").status == 0
