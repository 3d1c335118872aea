"""The command as a user meets it: what it prints where, its exit status, and that a refused command changes no file."""

import json
from pathlib import Path

import pytest

from tests.project import contents, edited, project_copy, sizeup


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in a git repository of its own."""
    return project_copy(tmp_path)


def test_a_changed_spec_makes_the_plan_stale_until_it_is_sized_again(project: Path):
    """A lock file's life: fresh, stale and refused with the mend, sized again, compared with the commit before."""
    assert sizeup("size", "small-aws", "--check", root=project).status == 0

    edited(project, "small-aws", "requests_per_s: 20", "requests_per_s: 45")
    stale = sizeup("size", "small-aws", "--check", root=project)
    refused = sizeup("preview", "small-aws", root=project)
    assert (stale.status, refused.status) == (1, 1)
    assert "hint: sizeup size small-aws" in refused.err
    assert refused.out == ""

    assert sizeup("size", "small-aws", root=project).status == 0
    compared = sizeup("preview", "small-aws", "--against", "git:HEAD", "--json", root=project)
    document = json.loads(compared.out)
    assert document["plan_changes"]
    assert document["cost"]["after_usd_per_month"] > document["cost"]["before_usd_per_month"]
    touched = {step["type"] for step in document["steps"]}
    assert touched
    assert not any("vpc" in kind.lower() or "bucket" in kind.lower() for kind in touched)  # the network stays as it is
    assert len(document["steps"]) < 20


def test_a_plan_compared_with_itself_shows_no_change(project: Path):
    """What did not change is not shown as changed."""
    document = json.loads(sizeup("preview", "small-aws", "--against", "git:HEAD", "--json", root=project).out)
    assert document["steps"] == []
    assert document["plan_changes"] == []
    assert document["cost"]["before_usd_per_month"] == document["cost"]["after_usd_per_month"]


MISTAKES = [
    ("model: meta-llama/Llama-3.1-8B-Instruct", "model: meta-llama/Lama-3.1-8B", "Llama-3.1-8B"),
    ("requests_per_s: 20", "request_per_s: 20", "requests_per_s"),
    ("requests_per_s: 20", "requests_per_s: -20", "requests_per_s"),
    ("sizeup:regions: [us-east-1]", "sizeup:regions: [us-east-9]", "us-east-9"),
    ("sizeup:regions: [us-east-1]", "sizeup:regions: [us-east-1]\n  sizeup:zones: [use1-az99]", "use1-az99"),
    ("config:", "config: [", "YAML"),
]


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES)
@pytest.mark.parametrize("command", ["size", "preview", "explain"])
def test_a_mistake_in_a_stack_file_is_one_clear_error(project: Path, command: str, old: str, new: str, told: str):
    """Exit status 2, the file and the mend on stderr, no traceback, no file changed."""
    edited(project, "small-aws", old, new)
    before = contents(project)
    ended = sizeup(command, "small-aws", root=project)
    assert ended.status == 2
    assert "stacks/Pulumi.small-aws.yaml" in ended.err
    assert told in ended.err
    assert "hint:" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert contents(project) == before


IMPOSSIBLE = [
    ("tpot_p95_s: 0.08", "tpot_p95_s: 0.0001", "TPOT"),
    ("sizeup:regions: [us-east-1]", "sizeup:regions: [ap-southeast-5]", "price"),
    ("model: meta-llama/Llama-3.1-8B-Instruct", "model: Llama-3.1-405B", "HBM"),
    ("sizeup:regions: [us-east-1]", "sizeup:regions: [us-east-1]\n  sizeup:budget_usd_per_month: 10", "budget"),
]


@pytest.mark.parametrize(("old", "new", "told"), IMPOSSIBLE)
def test_what_cannot_be_met_is_answered_with_the_nearest_misses(project: Path, old: str, new: str, told: str):
    """Exit status 1: an answer on stdout, not an error, and the locked plan stays as it was."""
    edited(project, "small-aws", old, new)
    if "405B" in new:
        edited(project, "small-aws", "weights: [bf16, fp8]", "weights: [bf16], accelerators: [nvidia-l4]")
    before = contents(project)
    ended = sizeup("size", "small-aws", root=project)
    assert ended.status == 1
    assert ended.out.startswith("no plan for small-aws")
    assert told in ended.out
    assert "Traceback" not in ended.err
    assert contents(project) == before


def test_a_truncated_plan_is_refused_as_damaged(project: Path):
    """Half a file is no plan: exit status 2, and the mend."""
    path = project / "stacks" / "small-aws.plan.json"
    path.write_text(path.read_text(encoding="utf-8")[:400], encoding="utf-8")
    before = contents(project)
    for command in (["preview", "small-aws"], ["size", "small-aws", "--check"]):
        ended = sizeup(*command, root=project)
        assert ended.status == 2
        assert "small-aws.plan.json" in ended.err
        assert "hint:" in ended.err
    assert contents(project) == before


def test_the_plan_of_another_stack_is_refused_as_stale(project: Path):
    """A plan knows which spec it was made for."""
    other = (project / "stacks" / "chat-aws.plan.json").read_bytes()
    (project / "stacks" / "small-aws.plan.json").write_bytes(other)
    ended = sizeup("preview", "small-aws", root=project)
    assert ended.status == 1
    assert "another spec" in ended.err


def test_a_stack_that_does_not_exist_names_those_that_do():
    """The mend is a name that works."""
    ended = sizeup("size", "chat-awz")
    assert ended.status == 2
    assert "chat-aws" in ended.err


def test_outside_a_project_the_command_says_where_to_run_it(tmp_path: Path):
    """No Pulumi.yaml here or above."""
    ended = sizeup("-C", str(tmp_path), "size", "chat-aws")
    assert ended.status == 2
    assert "no Pulumi.yaml" in ended.err


@pytest.mark.parametrize(
    "command",
    [
        ["size", "chat-aws", "--check"],
        ["facts", "list"],
        ["facts", "list", "machines", "--cloud", "gcp", "--match", "ct6e"],
        ["facts", "show", "nvidia-h100-80gb"],
        ["facts", "check"],
        ["predict", "Llama-3.3-70B", "--accelerator", "nvidia-h100-80gb", "--tp", "8", "--weights", "fp8"],
        ["explain", "small-aws"],
    ],
)
def test_every_command_answers_in_json_too(command: list[str]):
    """The same content, parsable, and nothing else on stdout."""
    ended = sizeup(*command, "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out) is not None


def test_a_model_that_does_not_fit_is_predicted_not_to():
    """70 B parameters in two bytes each are 141 GB; one H100 holds 80."""
    ended = sizeup("predict", "Llama-3.3-70B", "--accelerator", "nvidia-h100-80gb")
    assert ended.status == 1
    assert "does not fit" in ended.out


def test_the_highest_rate_is_the_one_that_just_keeps_a_limit():
    """Of 800 ms to the first token and 45 ms a token, that rate brings one to its limit and keeps the other."""
    lengths = ["--input-tokens", "1800", "--input-p95", "6000", "--output-tokens", "320", "--output-p95", "900"]
    place = ["--accelerator", "nvidia-h100-80gb", "--in-machine", "8", "--tp", "4", "--weights", "fp8"]
    asked = ["predict", "Llama-3.3-70B", *place, *lengths, "--prefix-hit", "0.3", "--json"]
    most = json.loads(sizeup(*asked, "--ttft-p95-s", "0.8", "--tpot-p95-s", "0.045").out)["prediction"]
    there = json.loads(sizeup(*asked, "--requests-per-s", str(most["requests_per_s"])).out)["prediction"]
    used = [there["ttft_p95_s"]["value"] / 0.8, there["tpot_p95_s"]["value"] / 0.045]
    assert max(used) == pytest.approx(1, rel=0.01)


def test_options_of_predict_that_cannot_be_are_told_at_once():
    """Two mistakes, one error."""
    ended = sizeup("predict", "Llama-3.3-70B", "--accelerator", "nvidia-h100-80gb", "--tp", "0", "--weights", "fp7")
    assert ended.status == 2
    assert "--tp is 0" in ended.err
    assert "fp7" in ended.err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--input-tokens", "200000"], "takes 131,072"),
        (["--tp", "8", "--in-machine", "4"], "TP8 takes 8 accelerators, and --in-machine is 4"),
        (["--ep", "2", "--tp", "2"], "has no experts to spread"),
        (["--weights", "mxfp4"], "nvidia-h100-80gb does not run Llama-3.3-70B-Instruct in mxfp4 weights"),
        (["--requests-per-s", "inf"], "--requests-per-s is inf"),
    ],
)
def test_a_configuration_that_cannot_be_is_not_predicted(options: list[str], why: str):
    """A figure for what no server would start is worse than none."""
    ended = sizeup("predict", "Llama-3.3-70B", "--accelerator", "nvidia-h100-80gb", *options)
    assert ended.status == 2
    assert why in ended.err
    assert "hint: " in ended.err
    assert ended.out == ""


def test_a_request_longer_than_the_cache_does_not_fit():
    """32 B parameters in bf16 leave one H100 about 9 GiB, at 256 KiB a token some 36,000 tokens: not 40,200."""
    ended = sizeup("predict", "Qwen3-32B", "--accelerator", "nvidia-h100-80gb", "--input-tokens", "40000")
    assert ended.status == 1
    assert "does not fit: the cache holds no request of 40,200 tokens" in ended.out


def test_lists_of_facts_are_told_whole():
    """A network rate, or a name, cut in its middle is none; lists that are read as such keep to eighty columns."""
    for what in ("accelerators", "machines", "models", "charges", "storage"):
        lines = sizeup("facts", "list", what).out.splitlines()
        assert not [line for line in lines if ".." in line], what
        assert what not in {"accelerators", "machines"} or max(map(len, lines)) <= 80, what


def test_a_project_without_its_program_is_told_as_such(project: Path):
    """Pulumi.yaml names a folder; that it is not there is a mistake of the project, not a crash."""
    (project / "infra" / "__main__.py").unlink()
    ended = sizeup("preview", "small-aws", root=project)
    assert ended.status == 2
    assert "Pulumi.yaml" in ended.err
    assert "no program" in ended.err
    assert "Traceback" not in ended.err
