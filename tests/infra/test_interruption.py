"""Ctrl-C and kill at any moment: one line, exit status 1, no traceback; the plan file is whole, the old or the new."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.interruption import interruptible
from infra.stack import load_plan, plan_path
from sizing import lockfile
from tests.big_stack import big_stack
from tests.project import contents, edited, project_copy, sizeup

PROGRAM = "import infra.interruption; print('up', flush=True); import sys; from infra.cli import main; sys.exit(main())"
SOON_S = 10  # a moment, on a machine that does much else; what is interrupted would take minutes


@dataclass(slots=True, kw_only=True)
class Child:
    """A command that runs, from the moment on that our own code does."""

    process: subprocess.Popen[str]

    def ended(self) -> tuple[int, str, str]:
        """Its exit status, and what it said."""
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


def child(root: Path, *arguments: str, program: str = PROGRAM) -> Child:
    """`sizeup` as a process that runs while the test goes on."""
    process = subprocess.Popen(  # noqa: S603  this very Python
        [sys.executable, "-c", program, *arguments],
        cwd=root,
        env={"PYTHONPATH": str(root), "COLUMNS": "80", "PATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return Child(process=process)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose stack `big` takes minutes."""
    root = project_copy(tmp_path_factory.mktemp("big"))
    big_stack(root)
    big_stack(root, name="four", workloads=4)
    return root


@pytest.mark.parametrize(
    ("command", "after_s"),
    [*(("size", moment) for moment in (0.0, 0.15, 1.0, 4.0)), ("explain", 0.3), ("explain", 3.0)],
)
def test_ctrl_c_ends_a_command_soon_in_one_line_and_changes_no_file(big: Path, command: str, after_s: float):
    """During imports, while the spec is read, while ways are weighed, and inside a solver."""
    before = contents(big)
    running = child(big, command, "big")
    time.sleep(after_s)
    asked = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    status, _, err = running.ended()
    assert time.monotonic() - asked < SOON_S
    assert status == 1
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1
    assert "interrupted" in err
    assert contents(big) == before


FOUND = PROGRAM.replace(
    "import sys;", "import sys, infra.commands.solving as solving; text = solving.progress_text;"
).replace(
    "sys.exit(main",
    "solving.progress_text = lambda found: (print('found', flush=True), text(found))[1]; sys.exit(main",
)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_ctrl_c_once_there_is_a_plan_shows_the_best_so_far_and_writes_none(big: Path, form: tuple[str, ...]):
    """The answer on stdout, verified like any other; on stderr that it was interrupted, and that nothing changed."""
    before = contents(big)
    running = child(big, "size", "four", *form, program=FOUND)
    assert running.process.stdout is not None
    assert running.process.stdout.readline() == "found\n"
    running.process.send_signal(signal.SIGINT)
    status, out, err = running.ended()
    out = out.replace("found\n", "")
    assert status == 1
    assert "error: interrupted; the best plan so far costs" in err
    assert "not written, no file was changed" in err
    assert "Traceback" not in err
    assert contents(big) == before
    if form:
        assert lockfile.loads(out, source="the answer").node_pools
    else:
        assert out.startswith("four on aws")


def ask_more(root: Path) -> None:
    """The stack small-aws asks for more than its plan gives, on the one accelerator that it has: sized soon."""
    edited(root, "small-aws", "requests_per_s: 20", "requests_per_s: 45")
    edited(root, "small-aws", "allow: {", "allow: {accelerators: [nvidia-l40s], ")


def test_ctrl_c_while_the_answer_is_printed_tells_whether_the_plan_is_written(tmp_path: Path):
    """The reader of the pipe does not read on, so the command stands in its printing; the plan is written by then."""
    root = project_copy(tmp_path)
    ask_more(root)
    before = contents(root)
    slow = PROGRAM.replace("import sys;", "import sys, time, infra.commands.size as size;").replace(
        "sys.exit(main", "size.show = lambda *_: (print('shown', flush=True), time.sleep(60)); sys.exit(main"
    )
    running = child(root, "size", "small-aws", program=slow)
    assert running.process.stdout is not None
    assert running.process.stdout.readline() == "shown\n"
    running.process.send_signal(signal.SIGINT)
    status, _, err = running.ended()
    assert (status, err) == (1, "error: interrupted; stacks/small-aws.plan.json is written\n")
    assert contents(root) != before


def test_a_killed_command_leaves_the_plan_whole(tmp_path: Path):
    """Eight kills at moments between the first import and the end, drawn with a seed; then it is sized as ever."""
    root = project_copy(tmp_path)
    old = plan_path(root, "small-aws").read_bytes()
    ask_more(root)
    started = time.monotonic()
    assert sizeup("size", "small-aws", root=root).status == 0
    whole_s = time.monotonic() - started
    new = plan_path(root, "small-aws").read_bytes()
    assert new != old
    moments = random.Random(5)  # noqa: S311  a test's own moments
    for _ in range(8):
        plan_path(root, "small-aws").write_bytes(old)
        running = child(root, "size", "small-aws")
        time.sleep(moments.uniform(0, whole_s))
        running.process.kill()
        running.ended()
        assert plan_path(root, "small-aws").read_bytes() in {old, new}
    assert sizeup("size", "small-aws", root=root).status == 0
    assert plan_path(root, "small-aws").read_bytes() == new


WRITER = """
import infra.interruption; print("up", flush=True)
import sys; from pathlib import Path; from infra.stack import load_plan, write_plan
root = Path(); plans = [load_plan(root, "small-aws"), load_plan(root, "chat-aws")]; print("on", flush=True)
while True:
    for plan in plans:
        write_plan(root, "small-aws", plan)
"""


def test_a_kill_during_the_write_leaves_one_plan_or_the_other(tmp_path: Path):
    """A process that does nothing but write two plans in turn is killed a dozen times."""
    root = project_copy(tmp_path)
    path = plan_path(root, "small-aws")
    either = {lockfile.dumps(load_plan(root, stack)).encode() for stack in ("small-aws", "chat-aws")}
    moments = random.Random(7)  # noqa: S311
    for _ in range(12):
        path.write_bytes(min(either))
        running = child(root, program=WRITER)
        assert running.process.stdout is not None
        assert running.process.stdout.readline() == "on\n"
        time.sleep(moments.uniform(0, 0.05))
        running.process.kill()
        running.ended()
        assert path.read_bytes() in either
        lockfile.loads(path.read_text(encoding="utf-8"), source="the plan")
    assert {path.name for path in (root / "stacks").glob("*.plan.json")} == {
        f"{name}.plan.json" for name in ("chat-aws", "chat-gcp", "small-aws", "tpu-gcp")
    }


def test_work_that_can_be_interrupted_returns_and_raises_as_ever():
    """What it returns, and what it raises, in the main thread."""
    assert interruptible(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)
