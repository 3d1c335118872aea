"""Stack files and plans on disk: mistakes with their lines, files written whole, and one parser for both readings."""

from __future__ import annotations

import contextvars
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pulumi
import pytest
import yaml

from infra.recorder.config import engine_config
from infra.schema import FILE, schema_text, stack_schema
from infra.stack import (
    SPEC_KEYS,
    check_fresh,
    current_plan,
    load_plan,
    load_platform,
    load_spec,
    load_stack,
    plan_path,
    platform_from_pulumi_config,
    read_stack_file,
    spec_from_pulumi_config,
    stack_names,
    write_plan,
)
from sizing.catalog import catalog
from sizing.errors import DamagedPlan, InvalidSpec, StalePlan
from sizing.lockfile import dumps, rounded
from sizing.spec.form import SpecForm
from sizing.spec.workload import Spec
from tests.examples import CHAT_PLAN
from tests.project import edited, project_copy

PROJECT = Path(__file__).parents[2]
STACKS = ("chat-aws", "chat-gcp", "small-aws", "tpu-gcp")
CHAT = (PROJECT / "stacks/Pulumi.chat-aws.yaml").read_text()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the stack chat."""
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.chat.yaml").write_text(CHAT)
    return tmp_path


def write(root: Path, text: str) -> None:
    (root / "stacks/Pulumi.chat.yaml").write_text(text)


def told(root: Path, stack: str = "chat") -> str:
    """The message of a stack that must have mistakes."""
    with pytest.raises(InvalidSpec) as error:
        load_stack(root, stack, catalog())
    return str(error.value)


class Engine(dict[str, str]):
    """The configuration of a run as `pulumi.Config("sizeup")` gives it: one text for each key."""


@pytest.mark.parametrize("stack", STACKS)
def test_every_example_stack_is_read_without_a_mistake(stack: str) -> None:
    read = load_stack(PROJECT, stack, catalog())
    assert read.name == stack
    assert read.spec.workloads
    assert read.platform.owner == "ml-platform"


def test_a_mistake_has_the_line_that_it_stands_in(root: Path) -> None:
    lines = CHAT.splitlines()
    number = next(i for i, line in enumerate(lines, 1) if "requests_per_s: 12" in line)
    write(root, CHAT.replace("requests_per_s: 12", "requests_per_s: -12"))
    assert told(root) == (
        "1 mistake in stacks/Pulumi.chat.yaml\n"
        f"  line {number}, sizeup:workloads[0].traffic.requests_per_s: is -12, but must be greater than 0\n"
        "    hint: give the requests per second at the peak, for example 12"
    )


def test_mistakes_of_spec_platform_and_keys_are_told_together_in_order_of_the_file(root: Path) -> None:
    text = CHAT.replace("sizeup:cloud: aws", "sizeup:cloud: asw\n  region: us-east-1\n  sizup:zones: []")
    write(root, text.replace("owner: ml-platform", "owner: ML Platform\n    kubernetes_version: 1.30"))
    assert [line for line in told(root).splitlines() if line.startswith("  line")] == [
        "  line 4, sizeup:cloud: is asw, which is not one of aws, gcp",
        "  line 5, region: has no namespace, and the engine refuses such keys",
        "  line 6, sizup:zones: is in the namespace sizup, which nothing reads",
        "  line 22, sizeup:platform.owner: ML Platform cannot be a label on both clouds",
        "  line 23, sizeup:platform.kubernetes_version: is 1.3, but must be text, in quotes",
    ]


def test_a_missing_key_is_told_at_the_line_of_what_lacks_it(root: Path) -> None:
    lines = CHAT.splitlines()
    number = next(i for i, line in enumerate(lines, 1) if "- name: chat" in line)
    write(root, CHAT.replace("      kind: serving\n", ""))
    assert f"line {number}, sizeup:workloads[0].kind: is missing" in told(root)


def test_a_key_that_stands_twice_is_a_mistake(root: Path) -> None:
    """YAML readers disagree about which of the two counts."""
    write(root, CHAT.replace("  sizeup:cloud: aws\n", "  sizeup:cloud: aws\n  sizeup:cloud: gcp\n"))
    assert "line 5, sizeup:cloud: stands twice; first in line 4" in told(root)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("config: [", "line 1, the file: is no YAML"),
        ("config:\n\tsizeup:cloud: aws\n", "line 2, the file: is no YAML"),
        ("a: 1\n---\nb: 2\n", "the file: is no YAML"),
        ("a\x00b", "the file: is no YAML"),
        ("", "config: is missing"),
        ("config: 3\n", "config: is missing, or is no mapping"),
        ("- a\n", "config: is missing"),
        ("config: &c {a: *c}\n", "holds itself"),
        ("config:\n  <<: {a: 1}\n", "merges keys"),
        ("config:\n  [a, b]: 1\n", "has a key that is no text"),
        ("config:\n  sizeup:cloud: {secure: AAABAN}\n", "sizeup:cloud: is a mapping, but must be a list"),
        ("config: " + "[" * 5000, "is nested too deeply"),
        ("config:\n  sizeup:regions: [us-east-1]\n", "sizeup:cloud: is missing"),
    ],
)
def test_a_file_that_is_no_stack_is_one_clear_error(root: Path, text: str, what: str) -> None:
    write(root, text)
    assert what in told(root)


def test_a_file_that_is_no_text_is_one_clear_error(root: Path) -> None:
    (root / "stacks/Pulumi.chat.yaml").write_bytes(b"\xff\xfe\x00")
    assert "is no text in UTF-8" in told(root)


def test_a_stack_file_that_cannot_be_read_is_one_clear_error(root: Path) -> None:
    """A folder in its place is unreadable for every user, root too."""
    (root / "stacks/Pulumi.dir.yaml").mkdir()
    assert "cannot be read: Is a directory" in told(root, "dir")


def test_an_unknown_stack_is_told_with_the_nearest(root: Path) -> None:
    assert stack_names(root) == ("chat",)
    assert "does not exist\n    hint: did you mean chat?" in told(root, "chta")
    assert "hint: stacks: chat" in told(root, "prod")
    assert "run it in the folder of Pulumi.yaml" in told(root / "elsewhere", "chat")


@pytest.mark.parametrize("stack", ["../chat", "", "a/b", "a b"])
def test_a_name_that_is_no_stack_name_opens_no_file(root: Path, stack: str) -> None:
    assert "is no name of a stack" in told(root, stack)


def test_text_that_yaml_readers_take_for_different_values_stays_text(root: Path) -> None:
    """Yes is true in YAML 1.1 and text in 1.2; 012 is 10 or 12; 1_000 is 1000 or text."""
    for written in ("yes", "012", "1_000", "0x1F", "1:30"):
        write(root, CHAT.replace("requests_per_s: 12", f"requests_per_s: {written}"))
        assert f"requests_per_s: is {written}, but must be a number, in plain digits without quotes" in told(root)


def test_a_model_configuration_is_found_from_the_stack_file(root: Path) -> None:
    write(root, CHAT.replace("model: meta-llama/Llama-3.3-70B-Instruct", "model: m.json\n      hub_id: acme/m"))
    assert "m.json: there is no such file" in told(root)
    config = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
    config |= {"num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "torch_dtype": "bfloat16"}
    config |= {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 32768}
    (root / "stacks/m.json").write_text(json.dumps(config))
    assert load_spec(root, "chat", catalog()).workloads[0].model.layers == 32


def test_reading_changes_no_file(root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    load_stack(root, "chat", catalog())
    write(root, CHAT)
    told(root, "nothing")
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_secret_is_encrypted_or_told(root: Path) -> None:
    write(root, CHAT.replace("  sizeup:platform:", "  sizeup:hub_token: {secure: AAABAN0}\n  sizeup:platform:"))
    assert load_spec(root, "chat", catalog()) == load_spec(PROJECT, "chat-aws", catalog())
    write(root, CHAT.replace("  sizeup:platform:", "  sizeup:hub_token: hf_plain\n  sizeup:platform:"))
    assert "sizeup:hub_token: is a secret that is not encrypted" in told(root)
    assert "hf_plain" not in told(root)


# --- the two readings of one stack


@pytest.mark.parametrize("stack", STACKS)
def test_the_engines_json_and_the_yaml_give_the_same_spec_and_hash(stack: str) -> None:
    config = engine_config(project="sizeup", stack_config=read_stack_file(PROJECT, stack).config)
    engine = Engine(config.of_package("sizeup"))
    assert spec_from_pulumi_config(engine, catalog=catalog(), root=PROJECT) == load_spec(PROJECT, stack, catalog())
    platform = platform_from_pulumi_config(engine, gcp_project=config.values.get("gcp:project"))
    assert platform == load_platform(PROJECT, stack)


def test_numbers_as_go_writes_them_are_the_same_numbers() -> None:
    """Go writes 250000.0 as 2.5e+05, and hands a scalar of the file as its text."""
    config = engine_config(project="sizeup", stack_config=read_stack_file(PROJECT, "chat-aws").config)
    engine = Engine(config.of_package("sizeup"))
    workloads = engine["workloads"].replace('"requests_per_s":12', '"requests_per_s":12.0')
    go = Engine(engine | {"budget_usd_per_month": "2.5e+05", "workloads": workloads})
    assert go["workloads"] != engine["workloads"]
    spec = load_spec(PROJECT, "chat-aws", catalog())
    assert spec_from_pulumi_config(go, catalog=catalog(), root=PROJECT).hash == spec.hash


def test_the_sdks_own_config_is_read() -> None:
    """What a program under the engine really holds; set in a context of its own, so other tests do not see it."""
    config = engine_config(project="sizeup", stack_config=read_stack_file(PROJECT, "small-aws").config)

    def program() -> Spec:
        pulumi.runtime.set_all_config(dict(config.values))
        return spec_from_pulumi_config(pulumi.Config("sizeup"), catalog=catalog(), root=PROJECT)

    spec = contextvars.copy_context().run(program)
    assert spec.hash == load_spec(PROJECT, "small-aws", catalog()).hash


def test_a_mistake_in_the_engines_configuration_is_told() -> None:
    engine = Engine({"cloud": "aws", "regions": "[us-east-1", "workloads": "[]"})
    with pytest.raises(InvalidSpec, match="2 mistakes") as error:
        spec_from_pulumi_config(engine, catalog=catalog(), root=PROJECT)
    assert {problem.path for problem in error.value.problems} == {"sizeup:regions", "sizeup:workloads"}


def test_platform_settings_do_not_make_a_plan_stale(root: Path) -> None:
    before = load_stack(root, "chat", catalog())
    write(root, CHAT.replace("owner: ml-platform", "owner: someone-else"))
    after = load_stack(root, "chat", catalog())
    assert before.platform != after.platform
    assert before.spec == after.spec


# --- platform settings


@pytest.mark.parametrize(
    ("setting", "what", "mend"),
    [
        ("versions: {vllm: 0.27}", "version of vllm is 0.27, but must be text, in quotes", 'write vllm: "0.27"'),
        ("versions: {eks.addon.cordns: v1}", "eks.addon.cordns is no component", "did you mean eks.addon.coredns?"),
        ("images: {vllm: vllm/vllm-openai}", "no image with a fixed tag", "registry/name:tag"),
        ("images: {vllm: vllm/vllm-openai:latest}", "no image with a fixed tag", "registry/name:tag"),
        ("admin_principals: [me]", "me is no principal", "arn:aws:iam::123456789012:role/ops"),
        ("api_access_cidrs: [0.0.0.0/0]", "opens the Kubernetes API to everyone", "203.0.113.0/24"),
        ("api_access_cidrs: [10.0.0.1/8]", "10.0.0.1/8 is no network", "203.0.113.0/24"),
        ('labels: {Team: "a"}', "Team cannot be a label on both clouds", "letter"),
        ("kubernetes_version: latest", "is latest, which is not written as it must be", '"1.35"'),
        ("owners: me", "is no key that is known here", "did you mean owner?"),
    ],
)
def test_a_mistake_in_the_platform_settings_is_told(root: Path, setting: str, what: str, mend: str) -> None:
    write(root, CHAT.replace("owner: ml-platform", f"owner: ml-platform\n    {setting}").split("    # No AWS")[0])
    message = told(root)
    assert what in message
    assert mend in message


def test_platform_settings_become_values(root: Path) -> None:
    text = (
        "config:\n  gcp:project: acme\n  sizeup:platform:\n    kubernetes_version: '1.34'\n"
        "    versions: {vllm: 0.26.0}\n    admin_principals: ['group:ops@acme.com']\n"
        "    api_access_cidrs: [203.0.113.0/24]\n    labels: {cost-centre: '4711'}\n"
    )
    write(root, text)
    platform = load_platform(root, "chat")
    assert (platform.kubernetes_version, platform.gcp_project, platform.owner) == ("1.34", "acme", None)
    assert (platform.versions, platform.labels) == ({"vllm": "0.26.0"}, {"cost-centre": "4711"})
    assert (platform.admin_principals, platform.api_access_cidrs) == (("group:ops@acme.com",), ("203.0.113.0/24",))


# --- plans


def test_a_plan_comes_back_from_its_file(root: Path) -> None:
    assert current_plan(root, "chat") is None
    assert write_plan(root, "chat", CHAT_PLAN) is True
    assert load_plan(root, "chat") == current_plan(root, "chat") == rounded(CHAT_PLAN)


def test_an_equal_plan_leaves_the_file_alone(root: Path) -> None:
    write_plan(root, "chat", CHAT_PLAN)
    before = plan_path(root, "chat").stat().st_mtime_ns
    assert write_plan(root, "chat", CHAT_PLAN) is False
    assert plan_path(root, "chat").stat().st_mtime_ns == before


def test_a_write_that_fails_leaves_the_old_plan_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when the new text is flushed."""
    write_plan(root, "chat", CHAT_PLAN)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DamagedPlan, match="cannot be written: No space left on device"):
        write_plan(root, "chat", replace(CHAT_PLAN, region="us-west-2"))
    assert load_plan(root, "chat") == rounded(CHAT_PLAN)
    assert [path.name for path in (root / "stacks").iterdir() if "plan" in path.name] == ["chat.plan.json"]


@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        (dumps(CHAT_PLAN)[:700], "was cut short", "version control"),
        (dumps(CHAT_PLAN).replace('"format": 3', '"format": 7'), "is of format 7", "upgrade sizeup"),
        (dumps(CHAT_PLAN).replace('"replicas": 4', '"replicas": "four"'), "is four, but must be a whole", "version"),
    ],
)
def test_a_damaged_plan_is_refused_with_the_reason(root: Path, text: str, what: str, mend: str) -> None:
    plan_path(root, "chat").write_text(text)
    with pytest.raises(DamagedPlan) as error:
        load_plan(root, "chat")
    assert str(error.value).startswith("stacks/chat.plan.json: ")
    assert what in error.value.what
    assert mend in error.value.mend
    assert plan_path(root, "chat").read_text() == text


def test_a_plan_file_that_is_no_text_is_refused(root: Path) -> None:
    plan_path(root, "chat").write_bytes(b"\xff\x00")
    with pytest.raises(DamagedPlan, match="cannot be read"):
        load_plan(root, "chat")


def test_a_stack_that_was_never_sized_says_how(root: Path) -> None:
    with pytest.raises(StalePlan, match="does not exist yet") as error:
        load_plan(root, "chat")
    assert error.value.mend == "sizeup size chat"


def test_a_plan_for_a_region_that_the_stack_does_not_allow_is_refused(root: Path) -> None:
    """The hash of the spec still fits where a plan was edited by hand."""
    spec = load_spec(root, "chat", catalog())
    elsewhere = replace(CHAT_PLAN, spec_hash=spec.hash, region="mars-1")
    with pytest.raises(StalePlan, match="aws mars-1, which"):
        check_fresh(elsewhere, spec, stack="chat")


def test_a_plan_from_another_spec_is_stale(root: Path) -> None:
    spec = load_spec(root, "chat", catalog())
    plan = replace(CHAT_PLAN, spec_hash=spec.hash)
    check_fresh(plan, spec, stack="chat")
    write(root, CHAT.replace("requests_per_s: 12", "requests_per_s: 13"))
    with pytest.raises(StalePlan, match="was made for another spec") as error:
        check_fresh(plan, load_spec(root, "chat", catalog()), stack="chat")
    assert error.value.mend == "sizeup size chat"


# --- the schema for editors


def test_the_schema_file_is_the_one_that_the_forms_make() -> None:
    """`python -m infra.schema` writes it anew."""
    assert (PROJECT / FILE).read_text() == schema_text()


@pytest.mark.parametrize("stack", STACKS)
def test_every_example_stack_names_the_schema_and_keeps_it(stack: str) -> None:
    text = (PROJECT / f"stacks/Pulumi.{stack}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=./sizeup.schema.json\n")
    jsonschema.validate(yaml.safe_load(text), stack_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("sizeup:headrom",), 0.1),
        (("sizeup:cloud",), "azure"),
        (("sizeup:workloads", 0, "trafic"), {}),
        (("sizeup:workloads", 0, "traffic", "requests_per_s"), -1),
        (("sizeup:workloads", 0, "survive"), "zon"),
        (("sizeup:platform", "versions"), {"eks.addon.cordns": "1"}),
        (("sizeup:platform", "versions"), {"vllm": 0.27}),
    ],
)
def test_an_editor_marks_what_the_reader_would_refuse(place: tuple[str | int, ...], value: object) -> None:
    document = yaml.safe_load(CHAT)
    target: Any = document["config"]
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = value
    validator = jsonschema.Draft202012Validator(stack_schema())
    assert [list(error.absolute_path)[1 : 1 + len(place)] for error in validator.iter_errors(document)]


def test_the_project_file_asks_for_what_a_spec_requires() -> None:
    """The engine refuses a stack that lacks a key of the project file, so only required keys may stand there."""
    required = {name for name, field in SpecForm.model_fields.items() if field.is_required()}
    declared = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    assert declared.keys() <= required
    assert tuple(SpecForm.model_fields) == SPEC_KEYS


def test_a_stack_folder_can_be_copied_whole(root: Path) -> None:
    """Nothing in reading a stack depends on where the project lies."""
    copy = root / "copy"
    shutil.copytree(root / "stacks", copy / "stacks")
    assert load_spec(copy, "chat", catalog()) == load_spec(root, "chat", catalog())


def test_a_stack_file_that_the_cli_saved_says_what_it_said_before(tmp_path: Path):
    """`pulumi stack init` (3.259.0) writes `budget_usd_per_month: 250000` as a quoted text, and adds its salt."""
    root = project_copy(tmp_path)
    before = load_spec(root, "chat-aws", catalog())
    path = edited(root, "chat-aws", "budget_usd_per_month: 250000", 'budget_usd_per_month: "250000"')
    path.write_text(path.read_text(encoding="utf-8") + "encryptionsalt: v1:CM60=:v1:kAVg:ioIp==\n", encoding="utf-8")
    assert load_spec(root, "chat-aws", catalog()) == before
