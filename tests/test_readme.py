"""What the README says is true: the plan it shows, the commands it lists, the figures it works out by hand."""

import re

import pytest
import yaml

from infra.cli import parser
from infra.stack import load_plan
from tests.project import ROOT, sizeup

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_after(heading: str) -> str:
    """The first fenced block under a heading."""
    section = README.split(f"\n{heading}\n", 1)[1]
    found = re.search(r"```\w*\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_plan_that_the_readme_shows_is_the_plan():
    """The screen of `sizeup preview chat-aws`, as far as the README prints it."""
    shown = sizeup("preview", "chat-aws").out
    printed = block_after("## What a plan looks like").split("\n...\n")
    for part in printed:
        assert part.strip("\n") in shown


def test_the_refusal_that_the_readme_shows_is_the_refusal():
    """The command of that line, as far as the README prints what it says."""
    ended = sizeup("whatif", "chat-aws", "budget_usd_per_month=60000")
    assert ended.status == 1
    line = next(line for line in README.splitlines() if line.startswith("Where nothing fits"))
    head, tail = block_after(line).split("\n...\n")
    assert ended.out.startswith(f"{head}\n\n")
    assert ended.out.endswith(f"\n\n{tail}")


def test_the_stack_file_that_the_readme_shows_is_the_example():
    """Comments apart, and the platform settings that it leaves out."""
    shown = yaml.safe_load(block_after("## What a stack file says"))["config"]
    written = yaml.safe_load((ROOT / "stacks" / "Pulumi.chat-aws.yaml").read_text(encoding="utf-8"))["config"]
    assert shown == {key: value for key, value in written.items() if key != "sizeup:platform"}


def test_the_hand_worked_plan_is_the_locked_plan():
    """Every line of the table from the model's published dimensions alone, beside what the plan file holds."""
    layer = 8192 * 128 * (2 * 64 + 2 * 8) + 3 * 8192 * 28672
    weights = 80 * layer + 2 * 128_000 * 8192 * 2
    kv_per_token = 2 * 80 * 8 * 128 * 2
    left_gib = 79.18 * 0.92 - weights / 4 / 2**30 - 1.89 - 3.84
    tokens = left_gib * 2**30 / (kv_per_token / 4)
    step_s = (weights / 4 + 106 * 1960 * kv_per_token / 4) / 3350e9
    machines_usd = 2 * 55.04 + 3 * 0.2016
    for said in (
        f"{layer:,} parameters",
        f"{weights / 1e9:.2f} GB",
        f"{weights / 4 / 1e9:.2f} GB = {weights / 4 / 2**30:.1f} GiB",
        f"{kv_per_token:,} bytes",
        f"{left_gib:.1f} GiB a GPU",
        f"{round(tokens, -3):,.0f} tokens",
        f"{int(tokens // 1960)}, so",
        f"at least {step_s * 1e3:.1f} ms",
        f"{machines_usd:.2f} USD/h",
    ):
        assert said in README, said
    plan = load_plan(ROOT, "chat-aws")
    (deployment,) = plan.deployments
    assert deployment.weight_bytes == pytest.approx(weights, rel=0.001)
    assert (deployment.replicas, deployment.layout.tp) == (4, 4)
    assert f"sustains {deployment.requests_per_s:.2f};" in README
    assert deployment.engine.max_num_seqs <= tokens // 1960
    assert f"the {deployment.engine.max_num_seqs} of" in README
    assert f"with {deployment.concurrency} in flight" in README
    tpot = next(one for one in plan.promises if one.metric == "tpot_p95_s")
    assert step_s < tpot.planned
    core = deployment.requests_per_s * (0.7e-3 + 1800 * 3e-6 + 320 * 60e-6)
    assert f"ms = {core:.2f} of a core" in README
    assert deployment.vcpus == 2 * (1 + 1 + 4)
    assert round(plan.usd_per_hour, 2) == round(machines_usd, 2)


def test_the_library_example_runs(capsys):
    """Copied out of the README and run as it stands."""
    exec(compile(block_after("As a library, with ortools and pydantic alone:"), "README", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.startswith("us-east-1 ")


def _options() -> list[str]:
    found = []
    for action in parser()._subparsers._group_actions[0].choices.items():  # type: ignore[union-attr]
        name, command = action
        found.append(f"sizeup {name}")
        found += [text for option in command._actions for text in option.option_strings if text.startswith("--")]
    return sorted({*found} - {"--help"})


@pytest.mark.parametrize("option", _options())
def test_every_command_and_option_is_documented(option: str):
    """A user finds it without reading code."""
    assert option in README
