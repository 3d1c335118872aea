"""
Secrets are never told: whatever a secret is put into, no rendering, message, log or file shows it in any form.

Small programs go through the same diff, rules, cost and renderers as a stack; the whole command runs on a copy of an
example stack whose program and state hold the secret.
"""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.graph import Graph, Resource, Secret, Unknown, Value
from components.rules import violations
from infra.cli import main
from infra.cost import capacity_changes, cost, cost_change
from infra.diff.changes import ResourceChanges
from infra.diff.diff import changes
from infra.diff.graph_json import dumps
from infra.diff.recorded import nothing
from infra.diff.settled import settled
from infra.diff.state import read_state
from infra.preview.compose import _input_findings, _rule_findings  # the findings of a preview, without a stack around
from infra.recorder.config import Config
from infra.recorder.errors import ProgramError
from infra.recorder.recorder import Transport, record, record_all
from infra.recorder.stack_program import record_stack
from infra.recorder.wire import SECRET as SECRET_SIGNATURE
from infra.recorder.wire import SIGNATURE, UNKNOWN
from infra.render.html import render_html
from infra.render.json_document import render_json
from infra.render.markdown import render_markdown
from infra.render.report import Report
from infra.render.text import render_text
from infra.stack import load_plan
from sizing.catalog import catalog
from tests.deployed import in_the_cloud
from tests.leaks import SECRET, leaks
from tests.project import ROOT, STACKS, Ended, contents, edited, project_copy, sizeup
from tests.recordings import (
    PROJECT,
    STACK,
    Disk,
    Rack,
    deployed_over,
    exported,
    exported_state,
    named,
    recorded,
    settled_base,
)

OTHER = SECRET.replace("correct-horse", "battery-staple")  # the secret after it was changed
CONFIG = Config(values={"shop:key": SECRET}, secret_keys=("shop:key",))


def told(found: ResourceChanges) -> str:
    """Everything that a preview says of *found*: findings, cost and capacity, in every rendering there is."""
    facts = catalog()
    report = Report(
        stack="chat-aws",
        plan=load_plan(ROOT, "chat-aws"),
        plan_changes=(),
        resources=found,
        capacity=capacity_changes(found.base, found.graph, facts),
        cost=cost_change(cost(found.base, facts), cost(found.graph, facts)),
        findings=(*_input_findings(found), *_rule_findings(found.graph, is_released=False)),
    )
    forms = (render_text(report), render_text(report, full=True), render_json(report), render_markdown(report))
    return "\n".join((*forms, render_html(report), repr(report)))


def created(graph: Graph) -> ResourceChanges:
    """The changes of a first deployment."""
    return changes(graph, nothing(project=graph.project, stack=graph.stack))


def secret(value: object = SECRET) -> pulumi.Output[Any]:
    return pulumi.Output.secret(value)


def into_input() -> None:
    Disk("vault", label=secret())


def into_nested_input() -> None:
    Disk("vault", size={"rules": [{"key": secret()}]}, label="plain")


def into_list() -> None:
    Disk("vault", size=["a", secret(), "b"])


def into_component() -> None:
    Rack("rack", label=secret())


def into_output() -> None:
    Disk("vault")
    pulumi.export("password", secret())
    pulumi.export("nested", {"of": [secret()]})


def into_text() -> None:
    Disk("vault", label=pulumi.Output.concat("postgres://admin:", secret(), "@db"))
    pulumi.export("url", pulumi.Output.json_dumps({"password": secret()}))


def out_of_config() -> None:
    key = pulumi.Config("shop").require_secret("key")
    Disk("vault", label=key)
    pulumi.export("key", key)


def through_another_resource() -> None:
    first = Disk("first", label="plain", opts=pulumi.ResourceOptions(additional_secret_outputs=["address"]))
    Disk("second", label=first.address)
    pulumi.export("address", first.address)


PROGRAMS = (
    into_input,
    into_nested_input,
    into_list,
    into_component,
    into_output,
    into_text,
    out_of_config,
    through_another_resource,
)


def changed(program: Callable[[], None]) -> Callable[[], None]:
    """*program* with the other secret in place of the first, and one plain change beside it."""

    def run() -> None:
        original = pulumi.Output.secret
        swapped = lambda value: original(OTHER if value == SECRET else value)  # noqa: E731
        pulumi.Output.secret = staticmethod(swapped)  # type: ignore[method-assign,assignment]
        try:
            program()
        finally:
            pulumi.Output.secret = original  # type: ignore[method-assign]
        Disk("plain", label="beside it")

    return run


def recorded_with(program: Callable[[], None], **settings: Any) -> Graph:
    return recorded(program, config=CONFIG, **settings)


def test_what_finds_leaks_finds_them():
    """In every form that a program, a page or a file could give a secret."""
    for written in (
        SECRET,
        json.dumps({"a": SECRET}),
        json.dumps(json.dumps([SECRET])),
        html.escape(SECRET),
        repr([SECRET]),
        SECRET.encode().hex(),
        *(base64.b64encode(b"x" * before + SECRET.encode() + b"y").decode() for before in range(6)),
    ):
        assert leaks(f"before {written} after"), written
    assert leaks("password: [secret], hunter of the year 2, aHVudGVy") == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("transport", Transport)
def test_a_first_deployment_tells_no_secret(program: Callable[[], None], transport: Transport):
    """The graph holds it, marked; no rendering shows it, nor does the text form of any value."""
    graph = recorded_with(program, transport=transport)
    assert leaks(told(created(graph))) == []
    assert leaks(repr(graph)) == []


@pytest.mark.parametrize("program", PROGRAMS[:6], ids=lambda one: one.__name__)
@pytest.mark.parametrize("encrypted", [False, True], ids=["show-secrets", "ciphertext"])
def test_a_change_of_a_secret_is_shown_and_the_secret_is_not(program: Callable[[], None], encrypted: bool):  # noqa: FBT001
    """Over a state in clear (`--show-secrets`) and over one with ciphertext: neither the old value nor the new."""
    state = exported_state(program, encrypted=encrypted)
    assert bool(leaks(state)) is not encrypted
    found = deployed_over(changed(program), settled_base(program, encrypted=encrypted))
    text = told(found)
    assert leaks(text) + leaks(text, OTHER) == []
    assert [step.name for step in found.steps if step.name == "plain"]


def test_a_program_that_no_longer_has_the_secret_does_not_tell_the_old_one():
    """Removed inputs, deleted resources and removed outputs are shown with what they were, but for secrets."""

    def program() -> None:
        into_input()
        pulumi.export("password", secret())

    base = settled_base(program)
    assert leaks(told(deployed_over(lambda: Disk("vault"), base))) == []
    assert leaks(told(deployed_over(lambda: None, base))) == []


def marked(document: Any) -> Any:
    """A state as the engine writes it: every text that holds the secret is recorded as one."""
    if isinstance(document, str) and SECRET in document:
        return {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(document)}
    if isinstance(document, list):
        return [marked(item) for item in document]
    if isinstance(document, dict):
        return {key: marked(item) for key, item in document.items()}
    return document


def test_a_secret_output_of_the_state_stays_secret_on_its_way_into_other_resources():
    """The cloud made the password; the program hands it on, and never says itself that it is one."""

    def program(label: str = "plain") -> None:
        first = Disk("first", label=label)
        Disk("second", label=first.address.apply(lambda address: f"db://{address}"))
        pulumi.export("address", first.address)

    state = marked(json.loads(exported_state(program, first={"address": SECRET})))
    base = read_state(json.dumps(state), source="state.json", project="shop", stack="dev")
    for label in ("plain", "changed"):
        found = deployed_over(lambda label=label: program(label), base)  # type: ignore[misc]
        assert isinstance(named(found.graph, "second").inputs["label"], Secret)
        assert leaks(told(found)) == []


def test_an_output_that_the_program_calls_secret_is_one_also_where_the_state_has_it_in_clear():
    """`additional_secret_outputs`, added to a program that was deployed without."""
    base = settled_base(lambda: Disk("second", label=Disk("first", label="plain").address), first={"address": SECRET})
    found = deployed_over(through_another_resource, base)
    assert isinstance(named(found.graph, "second").inputs["label"], Secret)
    assert isinstance(found.graph.outputs["address"], Secret)


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_input_is_secret_is_not_told(stack: str):
    """Every text and number of every resource of an example stack made a secret of its own, all at once."""
    graph = record_stack(ROOT, stack).graph
    texts = iter(range(10**6))

    def hidden(value: Value) -> Value:
        match value:
            case Secret() | None | Unknown() | bool():
                return value
            case str():
                return Secret(f"{SECRET}{next(texts)}")
            case int() | float():
                return Secret(98_765_400_000 + next(texts))
            case list():
                return [hidden(one) for one in value]
            case dict():
                return {key: hidden(one) for key, one in value.items()}
            case _:
                return value

    def all_hidden(resource: Resource) -> Resource:
        return replace(resource, inputs={key: hidden(value) for key, value in resource.inputs.items()})

    found = replace(graph, resources=tuple(all_hidden(one) if one.custom else one for one in graph.resources))
    assert next(texts) > 400
    text = told(created(found))
    assert leaks(text) == []
    assert not re.findall(r"98,?765,?4\d\d|9\.8765e\+10|9\.88e\+10", text)


def test_no_message_of_a_rule_tells_a_secret():
    """A rule may read a secret to judge it; the message names the place."""
    graph = record_stack(ROOT, "chat-aws").graph
    broken = tuple(
        replace(one, inputs={**one.inputs, "metadataOptions": {"httpTokens": Secret(SECRET)}})
        if one.type.endswith(":LaunchTemplate")
        else one
        for one in graph.resources
    )
    assert leaks(repr(violations(replace(graph, resources=broken)))) == []


@pytest.mark.parametrize("encrypted", [False, True], ids=["show-secrets", "ciphertext"])
def test_an_encrypted_setting_is_no_change_where_nothing_else_changed(encrypted: bool):  # noqa: FBT001
    """Offline nobody can read it (`secure: ...`), so it is taken for what the state records, and a note says so."""

    def program() -> None:
        Disk("vault", size={"key": pulumi.Config("shop").require_secret("key"), "place": "cellar"})

    base = settled_base(lambda: Disk("vault", size={"key": secret(), "place": "cellar"}), encrypted=encrypted)
    unread = Config(values={"shop:key": UNKNOWN}, secret_keys=("shop:key",))
    graph = record(program, project=PROJECT, stack=STACK, root=ROOT, config=unread, answer=settled(base))
    found = changes(graph, base)
    assert found.steps == ()
    assert any("encrypted), and taken as unchanged here: inputs of vault" in note for note in found.notes)


def test_settings_that_somebody_could_decrypt_are_compared_and_stay_secret():
    """As the CLI hands them over for `--deployed` and `up`: a rotated key is a change then; other keys are left out."""

    def program() -> None:
        Disk("vault", label=pulumi.Config("shop").require_secret("key"))

    base = settled_base(lambda: Disk("vault", label=secret()))
    unread = Config(values={"shop:key": UNKNOWN, "shop:size": "3"}, secret_keys=("shop:key",))
    for key, expected in ((SECRET, []), (OTHER, ["vault"])):
        config = unread.opened({"shop:key": key, "shop:size": "4"})
        assert config.values["shop:size"] == "3"
        graph = record(program, project=PROJECT, stack=STACK, root=ROOT, config=config, answer=settled(base))
        found = changes(graph, base)
        assert [step.name for step in found.steps] == expected
        assert leaks(told(found)) + leaks(told(found), OTHER) == []


def test_what_crosses_to_another_process_holds_digests():
    """For `--against git:REV`: with a key that lives as long as the comparison."""
    for program in PROGRAMS:
        assert leaks(dumps(recorded_with(program), key=b"0" * 32)) == []


def failing(end: Callable[[pulumi.Output[str]], object]) -> str:
    """The whole trace of a program that fails with a secret in its hands, as Python would print it."""

    def program() -> None:
        end(pulumi.Config("shop").require_secret("key"))

    with pytest.raises(ProgramError) as caught:
        recorded_with(program)
    return str(caught.value)


def test_an_error_quotes_no_secret():
    """The SDK quotes a value that is not what was asked for, secret or not; the engine's log filter hides it too."""
    text = failing(lambda _: pulumi.Config("shop").require_secret_int("key"))
    assert "shop:key" in text
    assert leaks(text) == []

    def ends(_: object) -> None:
        raise pulumi.RunError(f"cannot log in with {pulumi.Config('shop').get('key')}")

    assert failing(ends) == "cannot log in with [secret]"


def test_a_log_message_quotes_no_secret():
    """What the program logs is kept for the report."""
    recording = record_all(
        lambda: pulumi.log.info(f"key: {pulumi.Config('shop').get('key')}"),
        project="shop",
        stack="dev",
        root=ROOT,
        config=CONFIG,
    )
    assert [message.text for message in recording.messages if "key" in message.text][-1:] == ["key: [secret]"]
    assert leaks(repr(recording.messages)) == []


def test_a_mistake_inside_a_secret_is_told_without_it():
    """Names the input and what belongs there."""
    subnet = Resource(
        urn="urn:pulumi:dev::shop::aws:ec2/subnet:Subnet::net",
        type="aws:ec2/subnet:Subnet",
        name="net",
        custom=True,
        parent=None,
        provider=None,
        inputs={"vpcId": "vpc-1", "mapPublicIpOnLaunch": Secret(SECRET), "tags": Secret([SECRET])},
    )
    findings = list(_input_findings(created(Graph(project="shop", stack="dev", resources=(subnet,)))))
    assert [(one.subject, one.text) for one in findings] == [
        ("net.mapPublicIpOnLaunch", "is a secret of another form than true or false"),
        ("net.tags", "is a secret of another form than a map"),
    ]


# The whole command, on a copy of an example stack.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose chat-aws has the secret as its API key and as an output, committed so."""
    root = project_copy(tmp_path_factory.mktemp("secrets"))
    edited(root, "chat-aws", "config:\n", "config:\n  sizeup:api_key: {secure: v1:bm90IHRoZSBzZWNyZXQ=}\n")
    program = root / "infra" / "program.py"
    text = program.read_text(encoding="utf-8")
    keyed = 'secrets = {"api_key": pulumi.Output.secret(SECRET), '
    assert 'secrets = {"api_key": settings.get_secret("api_key"), ' in text
    text = text.replace('secrets = {"api_key": settings.get_secret("api_key"), ', keyed)
    exported_too = '    pulumi.export("key", pulumi.Output.secret(SECRET))\n    platform = platform_from'
    text = text.replace("    platform = platform_from", exported_too)
    text += f"\n\nSECRET = {SECRET!r}  # as a program has it that reads it from elsewhere\n"
    program.write_text(text, encoding="utf-8")
    _git(root, "commit", "-q", "-a", "-m", "with a secret")
    program.write_text(text.replace("correct-horse", "battery-staple"), encoding="utf-8")
    return root


def _git(root: Path, *words: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    subprocess.run(["git", *identity, *words], cwd=root, check=True)  # noqa: S603, S607


def quiet(ended: Ended) -> bool:
    """Whether neither the old secret nor the new one stands in what a command said."""
    said = ended.out + ended.err
    assert leaks(said) + leaks(said, OTHER) == []
    assert "Traceback" not in ended.err
    return True


@pytest.fixture(scope="module", params=[False, True], ids=["show-secrets", "ciphertext"])
def state(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state that deploying the example with its first secret left."""
    path = tmp_path_factory.mktemp("state") / "state.json"
    graph = record_stack(ROOT, "chat-aws", answer=in_the_cloud).graph
    document = json.loads(exported(graph, {one.urn: in_the_cloud(one).outputs for one in graph.resources}))
    hidden: Mapping[str, str] = (
        {"ciphertext": "v1:AAAA:bm90IHRoZSBzZWNyZXQ="} if request.param else {"plaintext": json.dumps(SECRET)}
    )
    resources = document["deployment"]["resources"]
    resources[0]["outputs"]["key"] = {SIGNATURE: SECRET_SIGNATURE, **hidden}
    resources[0]["outputs"]["gone"] = {SIGNATURE: SECRET_SIGNATURE, **hidden}
    for entry in resources:
        if entry["type"] == "aws:kms/key:Key":
            entry["inputs"]["description"] = {SIGNATURE: SECRET_SIGNATURE, **hidden}
            entry["outputs"]["description"] = {SIGNATURE: SECRET_SIGNATURE, **hidden}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["--full", "--json"])
def test_a_preview_over_a_state_tells_no_secret(project: Path, state: Path, form: str):
    """As text, with everything listed, and as JSON; on both streams."""
    ended = sizeup("preview", "chat-aws", "--state", str(state), form, root=project)
    assert quiet(ended)
    assert "[secret]" in ended.out


def test_a_preview_against_a_revision_tells_no_secret(project: Path):
    """The key changed since: that is said, and neither key is."""
    ended = sizeup("preview", "chat-aws", "--against", "git:HEAD", root=project)
    assert quiet(ended)
    assert "[secret]" in ended.out


def test_a_plan_holds_no_secret_nor_its_ciphertext(project: Path):
    """Sizing does not look at it; the plan file is committed."""
    assert quiet(sizeup("size", "chat-aws", root=project))
    for name, content in contents(project).items():
        text = content.decode()
        assert leaks(text) == [], name
        assert name == "Pulumi.chat-aws.yaml" or "bm90IHRoZSBzZWNyZXQ=" not in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sizeup:api_key", json.dumps(SECRET)),
        ("sizeup:api_key", json.dumps({"key": SECRET})),
        ("sizeup:hub_token", json.dumps([SECRET])),
        ("sizeup:api_kye", json.dumps(SECRET)),
        ("api_key", json.dumps(SECRET)),
        ("sizeup:api_key", json.dumps(SECRET)[:-1]),
        ("sizeup:api_key", f"{{secure: {json.dumps(SECRET)}, more: 1}}"),
    ],
)
def test_a_stack_file_with_a_secret_in_clear_is_refused_without_quoting_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, value: str
):
    """Unencrypted, in the wrong form, under the wrong name, or in a line that is no YAML."""
    (tmp_path / "stacks").mkdir()
    for part in ("infra", "Pulumi.yaml"):
        (tmp_path / part).symlink_to(ROOT / part)
    text = (ROOT / "stacks" / "Pulumi.chat-aws.yaml").read_text(encoding="utf-8")
    (tmp_path / "stacks" / "Pulumi.chat-aws.yaml").write_text(text + f"  {key}: {value}\n", encoding="utf-8")
    assert main(["-C", str(tmp_path), "preview", "chat-aws"]) == 2
    captured = capsys.readouterr()
    assert "error: " in captured.err
    assert leaks(captured.out + captured.err) == []


def test_the_trace_of_a_bug_holds_no_secret():
    """Values hide their secrets in every text form of theirs, so that not even a crash of ours tells one."""
    graph = recorded_with(into_nested_input)

    def crash() -> None:
        raise ValueError(named(graph, "vault"), graph)

    with pytest.raises(ValueError, match="vault") as caught:
        crash()
    assert leaks("".join(traceback.format_exception(caught.value))) == []
