"""What a preview is compared with: nothing, a state file, or another revision of a repository of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from components.graph import Asset, Encrypted, Graph, Resource, Secret, Unknown
from infra.diff.changes import Op
from infra.diff.errors import InvalidState
from infra.diff.graph_json import UnreadableGraph, dumps, loads, masked
from infra.preview.base import AgainstRevision, Nothing, StateFile, against, differing_pins, resource_changes
from infra.preview.errors import UnusableBase
from infra.preview.git import resolved, text_at
from infra.recorder.recorder import program_file, record
from tests.recordings import Rack, recorded

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
import json, pathlib, pulumi

print("chatter")

class Disk(pulumi.CustomResource):
    def __init__(self, name, **inputs):
        super().__init__("toy:storage/disk:Disk", name, inputs)

file = pathlib.Path(pulumi.get_root_directory()) / "stacks" / f"{pulumi.get_stack()}.plan.json"
plan = json.loads(file.read_text())
if plan["disks"] < 0:
    raise pulumi.RunError("a plan cannot hold less than no disks")
for number in range(plan["disks"]):
    Disk(f"disk-{number}", size=plan["size"], word=pulumi.Output.secret(plan["word"]))
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A repository with this code, a program and a plan, committed once."""
    root: Path = tmp_path_factory.mktemp("template") / "project"
    for package in ("sizing", "components", "infra"):
        shutil.copytree(REPOSITORY / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "Pulumi.yaml").write_text("name: shop\nmain: program.py\nruntime: python\n")
    (root / "program.py").write_text(PROGRAM)
    (root / "requirements.txt").write_text("pulumi==3.272.0 \\\n    --hash=sha256:00\n")
    (root / "stacks").mkdir()
    (root / "stacks" / "Pulumi.dev.yaml").write_text("config:\n  shop:unused: 1\n")
    plan(root, disks=2, size=10)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "first")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of this test's own, and a folder of its own for what is temporary."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Path(shutil.copytree(template, tmp_path / "project", symlinks=True))


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  fixed program


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def plan(root: Path, *, disks: int, size: int, word: str = "hush") -> None:
    (root / "stacks" / "dev.plan.json").write_text(json.dumps({"disks": disks, "size": size, "word": word}))


def worktrees(root: Path) -> int:
    return len(git(root, "worktree", "list").splitlines())


def test_against_nothing_everything_is_created(project: Path):
    """The program of the project, from its Pulumi.yaml, stack file and plan."""
    found = resource_changes(project, "dev", Nothing())
    assert [(step.op, step.name) for step in found.steps] == [
        (Op.CREATE, "shop-dev"),
        (Op.CREATE, "disk-0"),
        (Op.CREATE, "disk-1"),
    ]


def test_against_a_revision_only_what_changed_is_shown(project: Path):
    """That revision's own plan and program; the worktree is gone afterwards, also from git's own list."""
    plan(project, disks=3, size=10)
    found = resource_changes(project, "dev", AgainstRevision(revision="HEAD"))
    assert [(step.op, step.name) for step in found.steps] == [(Op.CREATE, "disk-2")]
    assert found.base_name == f"git HEAD ({git(project, 'rev-parse', '--short=7', 'HEAD').strip()})"
    assert worktrees(project) == 1
    assert not list(Path(tempfile.gettempdir()).iterdir())


def test_against_a_revision_its_own_code_runs_and_secrets_are_compared_unread(project: Path):
    """The old program named its disks otherwise; a changed word shows as changed, and as nothing else."""
    (project / "program.py").write_text(PROGRAM.replace('f"disk-{number}"', 'f"volume-{number}"'))
    commit(project, "volumes")
    (project / "program.py").write_text(PROGRAM)
    plan(project, disks=1, size=10, word="whisper")
    renamed = resource_changes(project, "dev", AgainstRevision(revision="main"))
    assert [(step.op, step.name) for step in renamed.steps] == [
        (Op.CREATE, "disk-0"),
        (Op.DELETE, "volume-1"),
        (Op.DELETE, "volume-0"),
    ]
    changed = resource_changes(project, "dev", AgainstRevision(revision="HEAD~1"))
    update, _ = changed.steps
    assert [change.path for change in update.changes] == ["word"]
    assert "whisper" not in repr(update)
    assert changed.graph.resources[-1].inputs["word"] == Secret("whisper")


def test_a_revision_whose_program_refuses_is_refused_with_its_words(project: Path):
    """And the worktree is gone all the same."""
    plan(project, disks=-1, size=10)
    commit(project, "bad plan")
    plan(project, disks=1, size=10)
    with pytest.raises(UnusableBase, match="its program refused: a plan cannot hold less than no disks"):
        resource_changes(project, "dev", AgainstRevision(revision="main"))
    assert worktrees(project) == 1


def test_a_revision_whose_program_crashes_is_refused_with_its_last_words(project: Path):
    """No traceback of another process: one line of it."""
    (project / "stacks" / "dev.plan.json").write_text("{}")
    commit(project, "empty plan")
    plan(project, disks=1, size=10)
    with pytest.raises(UnusableBase, match=r"its program failed \(KeyError: 'disks'\)"):
        resource_changes(project, "dev", AgainstRevision(revision="main"))


def test_todays_mistake_is_told_and_the_worktree_is_gone(project: Path):
    """The program of the working tree may fail while the other one runs."""
    (project / "program.py").write_text("import pulumi\nraise pulumi.RunError('not today')\n")
    with pytest.raises(Exception, match="not today"):
        resource_changes(project, "dev", AgainstRevision(revision="main"))
    assert worktrees(project) == 1


def test_other_locked_dependencies_are_refused(project: Path):
    """Another SDK registers other resources: the difference would not be the user's."""
    (project / "requirements.txt").write_text("pulumi==3.280.0 \\\n    --hash=sha256:11\nnew==1\n")
    with pytest.raises(UnusableBase) as caught:
        resource_changes(project, "dev", AgainstRevision(revision="main"))
    assert "its locked dependencies differ from today's: new not there, now 1; pulumi 3.272.0, now 3.280.0" in str(
        caught.value
    )


def test_revisions_that_cannot_be_compared_are_refused_early(project: Path, tmp_path: Path):
    """No such commit, no repository, no such stack then, code from before this way to compare."""
    for revision in ("nonsense", "--help", "HEAD^{tree}"):
        with pytest.raises(UnusableBase, match="there is no such commit"):
            resource_changes(project, "dev", AgainstRevision(revision=revision))
    with pytest.raises(UnusableBase, match="is not in a git repository"):
        resolved(tmp_path, "HEAD")
    shutil.copy(project / "stacks" / "Pulumi.dev.yaml", project / "stacks" / "Pulumi.new.yaml")
    with pytest.raises(UnusableBase, match="it has no stack 'new'"):
        resource_changes(project, "new", AgainstRevision(revision="main"))
    git(project, "rm", "--quiet", "--cached", "infra/preview/child.py")
    git(project, "commit", "--quiet", "--message", "older")
    with pytest.raises(UnusableBase, match="it is older than this way to compare"):
        resource_changes(project, "dev", AgainstRevision(revision="main"))


def test_files_of_a_revision_can_be_read(project: Path):
    """The plan as it was, for the change of sizing; None where it was not there."""
    revision = resolved(project, "main")
    plan(project, disks=5, size=1)
    assert json.loads(text_at(revision, "stacks/dev.plan.json") or "")["disks"] == 2
    assert text_at(revision, "stacks/other.plan.json") is None


def test_a_state_file_is_a_base(project: Path):
    """An export of a stack that was never deployed: everything is created; no file: one clear error."""
    state = project / "state.json"
    state.write_text('{"version": 3, "deployment": {}}')
    assert resource_changes(project, "dev", StateFile(path=state)).counts == {Op.CREATE: 3}
    with pytest.raises(InvalidState, match=r"cannot be read \(No such file or directory\)"):
        resource_changes(project, "dev", StateFile(path=project / "none.json"))


def test_what_against_is_given():
    """git: and a revision, nothing else."""
    assert against("git:main") == AgainstRevision(revision="main")
    for text in ("main", "git:", "svn:1", ""):
        with pytest.raises(UnusableBase, match="is not a revision"):
            against(text)


def test_only_pins_count_in_locked_requirements():
    """Comments, hashes and markers may differ."""
    old = "# made by x\na==1 \\\n    --hash=sha256:00\n    # via b\nb==2 ; sys_platform == 'win32'\n"
    assert differing_pins(old, "a==1\nb==2\n") == ()
    assert differing_pins(old, "a==1.1\n") == ("a 1, now 1.1", "b 2, now gone")


def test_graphs_travel_as_json_with_secrets_digested():
    """Everything else comes back as it was; equal secrets have equal digests under one key and others under another."""
    graph = Graph(
        project="p",
        stack="s",
        resources=(
            Resource(
                urn="urn:pulumi:s::p::t::n",
                type="t",
                name="n",
                custom=True,
                parent=None,
                provider="urn:pulumi:s::p::q::default",
                inputs={
                    "secret": Secret({"a": [1]}),
                    "later": Secret(Unknown()),
                    "cipher": Secret(Encrypted("v1")),
                    "rest": [Unknown(), Asset("aa"), None, True, 1, 2.5, {"$kind": "mine"}],
                },
                dependencies=("urn:pulumi:s::p::t::m",),
                property_dependencies={"rest": ("urn:pulumi:s::p::t::m",)},
                protect=True,
                ignore_changes=("rest",),
            ),
        ),
        outputs={"x": Unknown()},
    )
    key = b"k" * 32
    text = dumps(graph, key=key)
    assert loads(text) == masked(graph, key=key)
    assert dumps(graph, key=b"other") != text
    assert loads(text).resources[0].protect
    whole = recorded(lambda: Rack("r", size=1))
    assert loads(dumps(whole, key=key)) == whole


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "project": "p"}'])
def test_a_graph_that_cannot_be_read_is_refused(text):
    """Another revision may write another form."""
    with pytest.raises(UnreadableGraph):
        loads(text)


def test_the_program_itself_can_be_recorded_from_its_file(project: Path):
    """The same graph as through the stack's files."""
    graph = record(program_file(project / "program.py"), project="shop", stack="dev", root=project)
    assert graph == resource_changes(project, "dev", Nothing()).graph
