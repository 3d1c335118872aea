"""The preview as a page: what stands on it, that nothing is loaded from elsewhere, and that values stay values."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.graph import Graph, Secret, Unknown
from infra.cost import cost_change
from infra.cost.bill import Cost, CostGroup, CostKind, CostLine
from infra.diff.changes import ChangeKind, Op, PendingOperation, PropertyChange, Replaces, ResourceChanges, Step
from infra.render.html import render_html
from infra.render.html.markup import document, element
from infra.render.report import Difference, Finding, Report
from sizing.plan import Bearer, CostShare, LeftOut
from tests.examples import CHAT_PLAN
from tests.resources import graph, resource

NETWORK = resource("sizeup:aws:Network", "network", custom=False)
VPC = resource("aws:ec2/vpc:Vpc", "vpc", parent=NETWORK, inputs={"cidrBlock": "10.0.0.0/16"})
SUBNET = resource("aws:ec2/subnet:Subnet", "subnet", parent=NETWORK)
THERE = graph(NETWORK, VPC, SUBNET)
EMPTY = graph()
NOTHING = Cost(lines=())


def report(*steps: Step, base: Graph = EMPTY, before: Cost | None = None, after: Cost = NOTHING, **more: Any) -> Report:
    known: dict[str, Any] = {
        "stack": "chat-aws",
        "plan": CHAT_PLAN,
        "plan_changes": (),
        "resources": ResourceChanges(graph=THERE, base=base, base_name="nothing", steps=steps),
        "capacity": (),
        "cost": cost_change(before, after),
    }
    return Report(**(known | more))


def update(change: PropertyChange) -> Step:
    return Step(op=Op.UPDATE, urn=VPC.urn, type=VPC.type, name=VPC.name, old=VPC, new=VPC, changes=(change,))


def cidr(old: Any, new: Any, *, replaces: Replaces = Replaces.NO) -> PropertyChange:
    return PropertyChange(path="cidrBlock", old=old, new=new, kind=ChangeKind.CHANGED, replaces=replaces)


def machine(usd_per_hour: float) -> Cost:
    line = CostLine(
        item="p5.48xlarge on demand",
        group=CostGroup.MACHINE,
        urn=VPC.urn,
        resource="nodes",
        quantity=1,
        unit="hour",
        usd_per_unit=usd_per_hour,
        usd_per_hour=usd_per_hour,
        kind=CostKind.FIXED,
        source="a list",
        as_of="2026-07-20",
    )
    return Cost(lines=(line,))


class Page(HTMLParser):
    """What a reader finds: the text, every attribute, and which elements were left open."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, html: str) -> None:
        """Read *html* to its end."""
        super().__init__()
        self.text, self.attributes, self.tags = "", list[tuple[str, str, str | None]](), list[str]()
        self.open = list[str]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element and its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Only what was opened last may be closed."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember what a reader sees."""
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.text += data


def test_the_answer_stands_first_and_the_cost_before_and_after_beside_it() -> None:
    """55.04 USD/h over 730 hours are 40,179.20 USD; from nothing that is the change, too."""
    shown = Page(render_html(report(before=Cost(lines=()), after=machine(55.04))))
    assert shown.open == []
    assert "chat-aws on aws us-east-1: 2 x p5.48xlarge, 55.04 USD/h" in shown.text
    assert "40,179.20 USD" in shown.text
    assert "+40,179.20 USD" in shown.text


def test_bars_of_the_chart_are_as_long_as_their_cost() -> None:
    """Before is half of after, so its bar is half as long."""
    shown = Page(render_html(report(before=machine(10.0), after=machine(20.0))))
    widths = [float(value or 0) for tag, name, value in shown.attributes if (tag, name) == ("rect", "width")]
    before, after = widths[-2:]
    assert after == pytest.approx(2 * before, abs=0.02)


def test_a_resource_stands_below_its_component_with_what_differs_in_it() -> None:
    html = render_html(report(update(cidr("10.0.0.0/16", "10.1.0.0/16", replaces=Replaces.YES)), base=THERE))
    text = Page(html).text
    assert text.index("network") < text.index("10.0.0.0/16") < text.index("10.1.0.0/16")
    assert "forces replacement" in text
    assert "1 of 2 resources change" in text


def test_what_is_deleted_stands_in_the_tree_too() -> None:
    gone = resource("aws:ec2/eip:Eip", "address", parent=NETWORK)
    step = Step(op=Op.DELETE, urn=gone.urn, type=gone.type, name=gone.name, old=gone, new=None)
    assert "address" in Page(render_html(report(step, base=graph(NETWORK, VPC, gone)))).text


def test_unknowns_are_marked_and_secrets_hidden() -> None:
    html = render_html(report(update(cidr(Secret("hunter2"), Unknown())), base=THERE))
    assert "hunter2" not in html
    assert "[secret]" in html
    assert "(known after apply)" in html


def test_a_failed_check_refuses_and_a_waived_one_does_not() -> None:
    broken = Finding(rule="efa-self-rule", severity="error", subject="nodes", text="no self rule", mend="add one")
    waived = Finding(rule="nat-zones", severity="error", subject="vpc", text="one NAT", waived="a test network")
    assert "refused: 1 error" in Page(render_html(report(findings=(broken, waived)))).text
    assert "no check fails" in Page(render_html(report(findings=(waived,)))).text


def test_an_interrupted_run_is_shown_with_the_commands_that_settle_it() -> None:
    pending = PendingOperation(urn=VPC.urn, type=VPC.type, operation="creating")
    changes = ResourceChanges(graph=THERE, base=THERE, base_name="a state", steps=(), pending=(pending,))
    assert "sizeup settle chat-aws" in Page(render_html(report(resources=changes))).text


def test_where_the_engine_differs_is_told_and_agreement_too() -> None:
    difference = Difference(urn=VPC.urn, name="vpc", ours="update", engine="replace", detail="cidrBlock")
    assert "replace" in Page(render_html(report(differences=(difference,)))).text
    assert "It says the same." in Page(render_html(report(differences=()))).text
    assert "engine" not in Page(render_html(report())).text


def test_nothing_is_loaded_from_elsewhere() -> None:
    shown = Page(render_html(report(update(cidr("a", "b")), base=THERE, before=machine(1.0), after=machine(2.0))))
    loading = {"src", "href", "action", "srcset", "data", "poster", "xlink:href"}
    assert not [x for x in shown.attributes if x[1] in loading]
    assert not {"link", "img", "iframe", "object", "embed"} & set(shown.tags)


@given(text=st.text(alphabet="<>&\"'/!-]ascript{}=", max_size=40))
def test_no_value_can_become_markup(text: str) -> None:
    """Whatever a property holds, the page has the same elements and shows the value as it is."""
    plain = Page(render_html(report(update(cidr("x", "y")), base=THERE)))
    shown = Page(render_html(report(update(cidr("x", f"[{text}")), base=THERE)))
    assert shown.tags == plain.tags


def test_attributes_are_escaped_and_left_out_where_they_are_none() -> None:
    text = element("p", "a<b", title='say "hi"', class_=None, hidden=True, x=1.5)
    built = document("a & b", text, allowed="default-src 'none'")
    assert built.startswith('<!doctype html>\n<html lang="en"><head>')
    assert "<title>a &amp; b</title>" in built
    assert built.endswith('<body><p title="say &quot;hi&quot;" hidden="" x="1.5">a&lt;b</p></body></html>\n')


def test_who_is_left_out_and_what_teams_bear_is_in_the_page() -> None:
    """Beside the promises, as the text tells it."""
    left = LeftOut(workload="draft", priority=2, why="no quota is left")
    share = CostShare(bearer=Bearer.TEAM, team="search", accelerators=8, usd_per_hour=44.0)
    page = render_html(report(plan=replace(CHAT_PLAN, left_out=(left,), cost_shares=(share,))))
    assert "draft, priority 2: no quota is left" in page
    assert "32,120.00" in page  # 44 USD/h for 730 hours
