"""The preview as a comment on a pull request: the answer first, nothing a value can break, never too long."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from components.graph import Resource, Secret, Unknown
from infra.cost import Cost, CostGroup, CostKind, CostLine, Share, cost_change
from infra.diff.changes import ChangeKind, Op, PendingOperation, PropertyChange, Replaces, ResourceChanges, Step
from infra.render.markdown import render_markdown
from infra.render.markdown_text import LIMIT, code, fenced, fitted, length, prose, row_text, table
from infra.render.report import Difference, Finding, Report
from sizing.diff import diff
from sizing.plan import LeftOut
from tests.examples import CHAT_PLAN, CHAT_POOL
from tests.resources import component, graph, resource

GITHUB = MarkdownIt("commonmark").enable("table")
POOL = component("sizeup:index:AwsNodePool", "pool")
GROUP = resource("aws:eks/nodeGroup:NodeGroup", "nodes", parent=POOL)
MACHINES = CostLine(
    item="p5.48xlarge on demand",
    group=CostGroup.MACHINE,
    urn=GROUP.urn,
    resource="nodes",
    quantity=2,
    unit="hour",
    usd_per_unit=55.04,
    usd_per_hour=110.08,
    kind=CostKind.FIXED,
    source="AWS price list",
    as_of="2026-07-20",
    shares=(Share(workload="chat", part=1.0),),
)
MORE = replace(MACHINES, quantity=3, usd_per_hour=165.12)


def changed(path: str, old: Any, new: Any, replaces: Replaces = Replaces.NO) -> PropertyChange:
    return PropertyChange(path=path, old=old, new=new, kind=ChangeKind.CHANGED, replaces=replaces)


def step(op: Op, it: Resource, **fields: Any) -> Step:
    old, new = (None if op is Op.CREATE else it), (None if op is Op.DELETE else it)
    return Step(op=op, urn=it.urn, type=it.type, name=it.name, old=old, new=new, **fields)


def report(*steps: Step, **fields: Any) -> Report:
    """A preview against a base with two machines, of which three are wanted now."""
    made = graph(POOL, *(x for step in steps if (x := step.new or step.old)))
    known: dict[str, Any] = {
        "stack": "chat-aws",
        "plan": CHAT_PLAN,
        "plan_changes": (),
        "resources": ResourceChanges(graph=made, base=graph(GROUP), base_name="git main (1a2b3c4)", steps=steps),
        "capacity": (),
        "cost": cost_change(Cost(lines=(MACHINES,)), Cost(lines=(MORE,))),
    }
    return Report(**(known | fields))


SCALED = step(Op.UPDATE, GROUP, changes=(changed("scalingConfig.desiredSize", 2.0, 3.0),))


def words(markdown: str) -> str:
    """What a reader sees of *markdown*: rendered, without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", GITHUB.render(markdown))).replace("\N{ZERO WIDTH SPACE}", "")


def test_the_first_line_says_what_changes_and_what_that_costs() -> None:
    """One machine more: 55.04 x 730 = 40,179.20 USD a month."""
    lines = render_markdown(report(SCALED)).splitlines()
    assert lines[0] == "### chat-aws: 0 to add, 1 to change, 0 to destroy; +40,179.20 USD/month"
    assert "| USD/month | 80,358.40 | 120,537.60 | **+40,179.20** |" in lines
    assert "| for chat | 80,358.40 | 120,537.60 | +40,179.20 |" in lines


def test_each_component_folds_its_resources_with_their_differences() -> None:
    """In a block that GitHub colours: an exclamation mark for what changes."""
    text = render_markdown(report(SCALED))
    assert (
        "<details><summary><b>node pool</b>: 1 to change</summary>\n"
        "\n"
        "```diff\n"
        "! node group nodes\n"
        "!     scalingConfig.desiredSize: 2 -> 3\n"
        "```\n"
        "\n"
        "</details>" in text
    )


def test_what_is_replaced_or_destroyed_comes_first() -> None:
    """Before what is only added, and with its reason."""
    network = component("sizeup:index:AwsNetwork", "network")
    vpc = resource("aws:ec2/vpc:Vpc", "vpc", parent=network)
    forced = step(
        Op.REPLACE,
        GROUP,
        changes=(changed("instanceTypes[0]", "p5.48xlarge", "p5en.48xlarge", Replaces.YES),),
        replaces=Replaces.YES,
        replace_reason=("instanceTypes[0]",),
    )
    wanted = report(step(Op.CREATE, vpc), forced)
    resources = replace(wanted.resources, graph=graph(network, POOL, vpc, GROUP))
    text = render_markdown(replace(wanted, resources=resources))
    assert text.index("<b>node pool</b>: 1 to replace") < text.index("<b>network</b>: 1 to add")
    assert "-/+ node group nodes\n      must be replaced: instanceTypes[0]\n" in text
    assert '!     instanceTypes[0]: "p5.48xlarge" -> "p5en.48xlarge"  # forces replacement\n' in text


def test_secrets_are_masked_and_unknowns_marked() -> None:
    """As everywhere."""
    secret = step(
        Op.UPDATE,
        GROUP,
        changes=(changed("token", Secret("hunter2"), Secret("hunter3")), changed("arn", "a", Unknown())),
    )
    text = render_markdown(report(secret))
    assert "hunter" not in text
    assert "token: [secret] changed" in text
    assert 'arn: "a" -> (known after apply)' in text


def test_findings_stand_in_the_open_and_waivers_fold() -> None:
    """An error stops; a waived one is told with its reason."""
    error = Finding(rule="efa-rules", severity="error", subject="p5", text="no rule to itself", mend="add one")
    waived = replace(error, rule="flow-logs", severity="warning", waived="the judge's own network")
    text = render_markdown(report(SCALED, findings=(error, waived)))
    assert "#### Checks: 1 error, 1 waived\n\n> [!CAUTION]\n" in text
    assert "| error | <code>efa-rules</code> | <code>p5</code> | no rule to itself | add one |" in text
    assert "<summary>1 waived</summary>\n\n- <code>flow-logs</code> p5: the judge's own network\n" in text
    assert "CAUTION" not in render_markdown(report(SCALED, findings=(waived,)))


def test_the_commands_that_settle_an_interrupted_run_can_be_copied() -> None:
    """In a block of their own, whole."""
    pending = PendingOperation(urn=GROUP.urn, type=GROUP.type, operation="creating")
    wanted = report(SCALED)
    text = render_markdown(replace(wanted, resources=replace(wanted.resources, pending=(pending,))))
    assert "\n# creating nodes\n" in text
    assert "\nsizeup settle chat-aws --yes\n" in text
    assert f"--made {GROUP.urn}=ID" in text.replace("'", "")


def test_where_the_engine_differs_is_said_and_that_it_agrees_too() -> None:
    """Nothing where it was not asked."""
    difference = Difference(urn=GROUP.urn, name="nodes", ours="update", engine="replace", detail="instanceTypes")
    text = render_markdown(report(SCALED, differences=(difference,)))
    assert "- <code>nodes</code>: update here, replace by the engine; instanceTypes\n" in text
    assert "engine agrees" in render_markdown(report(SCALED, differences=()))
    assert "engine" not in render_markdown(report(SCALED))


def test_a_sizing_change_is_a_diff() -> None:
    """Three machines instead of two."""
    moved = replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=3),))
    text = render_markdown(report(SCALED, plan=moved, plan_changes=diff(CHAT_PLAN, moved)))
    assert "#### Sizing\n\n```diff\n! node pool p5-48xlarge-use1-az4: nodes 2 -> 3\n```" in text


def test_no_change_is_said_in_words() -> None:
    """And costs nothing more."""
    same = cost_change(Cost(lines=(MACHINES,)), Cost(lines=(MACHINES,)))
    text = render_markdown(report(cost=same))
    assert text.startswith("### chat-aws: 0 to add, 0 to change, 0 to destroy; 0.00 USD/month\n")
    assert "no changes: all 1 resource are as in git main (1a2b3c4)" in text
    assert "#### Resources" not in text


@pytest.mark.parametrize("op", [Op.CREATE, Op.UPDATE])
def test_a_thousand_steps_fit_in_one_comment(op: Op) -> None:
    """What is left out is counted: shown and left out are all."""
    moved = (changed("userData", "a" * 400, "b" * 400), changed("tags.owner", "ml", "platform"))
    pools = [component("sizeup:index:AwsNodePool", f"pool-{at}") for at in range(50)]
    steps = tuple(
        step(op, resource("aws:ec2/subnet:Subnet", f"subnet-{at}", parent=pools[at % 50]), changes=moved)
        for at in range(1000)
    )
    wanted = report(*steps)
    resources = replace(wanted.resources, graph=graph(*pools, *(x.new for x in steps if x.new)))
    text = render_markdown(replace(wanted, resources=resources))
    assert length(text) <= LIMIT
    shown = len(re.findall(r"^[+!] subnet subnet-", text, re.MULTILINE))
    found = re.search(r"(\d[\d,]*) more resources not shown", text)
    left_out = int(found[1].replace(",", "")) if found else 0
    assert shown + left_out == 1000
    assert shown > 100


def test_whatever_grows_the_comment_fits() -> None:
    """Long names of markup and pictures in every place, hundreds of each; the bill still adds up."""
    nasty = "|`<@#1*_\N{ROCKET}" * 60
    lines = tuple(
        replace(
            MACHINES,
            urn=f"urn:{at}",
            item=f"{nasty}{at}",
            usd_per_hour=at + 0.005,
            shares=(Share(workload=f"{nasty}{at}", part=1.0),),
            source=f"{nasty}{at}",
        )
        for at in range(300)
    )
    usage = tuple(replace(x, kind=CostKind.USAGE, item=f"use {x.item}") for x in lines)
    finding = Finding(rule=nasty, severity="error", subject=nasty, text=nasty, mend=nasty)
    pending = PendingOperation(urn=nasty, type=nasty, operation="creating")
    huge = tuple(changed(f"{nasty}{at}", nasty, nasty[::-1]) for at in range(300))
    wanted = report(
        step(Op.UPDATE, replace(GROUP, name=nasty), changes=huge),
        stack=nasty,
        cost=cost_change(Cost(lines=(MACHINES,)), Cost(lines=(*lines, *usage))),
        findings=(finding, replace(finding, waived=nasty)) * 300,
        notes=(nasty,) * 100,
        differences=(Difference(urn=nasty, name=nasty, ours=nasty, engine=nasty, detail=nasty),) * 100,
    )
    text = render_markdown(
        replace(wanted, resources=replace(wanted.resources, base_name=nasty, pending=(pending,) * 200))
    )
    assert length(text) <= LIMIT
    bill = text[text.index("every line") : text.index("**total**")]
    cells = re.findall(r"\| ([\d,.]+) \| [+-][\d,.]+ \|$", bill, re.MULTILINE)
    assert f"{sum(round(float(x.replace(',', '')) * 100) for x in cells) / 100:,.2f}" in text


SIGNS = st.text(alphabet="ab1|`<>@#*_~$[]()!\\&:\n -+=\N{ROCKET}", max_size=40)


@given(SIGNS)
def test_a_value_is_read_as_it_is(text: str) -> None:
    """Whatever it holds, in a paragraph, in code and in a table; blanks as Markdown joins them."""
    wanted = " ".join(text.split())
    assert " ".join(words(f"say {prose(text)}").split()) == f"say {wanted}".strip()
    assert " ".join(words(f"say {code(text)}").split()) == f"say {wanted}".strip()
    shown = GITHUB.render(table(["a", "b"], "<<", [[prose(text), code(text)]]))
    assert shown.count("<td") == 2
    assert " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).replace("\N{ZERO WIDTH SPACE}", "").split()) == (
        " ".join(f"a b {wanted} {wanted}".split())
    )


@given(SIGNS)
def test_nobody_is_called_and_no_issue_is_named(text: str) -> None:
    """GitHub looks for both in the rendered text, outside of code."""
    shown = html.unescape(re.sub(r"<[^>]+>", "", GITHUB.render(f"say {prose(text)}")))
    assert not re.search(r"@\w|#\d|GH-\d", shown)


@given(st.lists(SIGNS, min_size=1, max_size=4))
def test_a_block_of_code_holds_whatever_is_in_it(lines: list[str]) -> None:
    """Backticks too: its fence is longer than any of them."""
    tokens = GITHUB.parse(fenced(lines, "diff"))
    assert [x.type for x in tokens] == ["fence"]
    assert tokens[0].content.count("\n") == len(lines)


@given(st.lists(SIGNS, max_size=30), st.integers(min_value=20, max_value=400))
def test_what_fits_is_shown_and_the_rest_counted(items: list[str], room: int) -> None:
    """Never more than the room, never an item lost."""
    rows = [row_text([prose(x)]) for x in items]
    text = fitted(rows, room=room, more=lambda n: f"and {n} more")
    assert length(text) <= room
    found = re.search(r"and (\d+) more$", text)
    shown = text.count("\n") + 1 - bool(found) if text else 0
    assert shown + (int(found[1]) if found else 0) == len(items)


def test_who_is_left_out_is_told_in_the_open() -> None:
    """With the reason, and counted in the first line of the plan."""
    left = LeftOut(workload="draft", priority=2, why="the quota of us-east-1 is used up")
    text = words(render_markdown(report(plan=replace(CHAT_PLAN, left_out=(left,)))))
    assert "left out, the most important first\n  - draft, priority 2: the quota of us-east-1 is used up\n" in text
