"""One preview in four forms, from the command line: the same answer in each, and never two at once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra.cost.bill import CostKind
from infra.preview.base import Nothing
from infra.preview.compose import preview
from infra.render.json_document import render_json
from infra.render.markdown import render_markdown
from infra.render.report import Report
from infra.render.text import render_text
from tests.project import ROOT, sizeup

STACKS = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in ROOT.glob("stacks/Pulumi.*.yaml"))


def test_each_form_is_one_option():
    """Markdown begins with its headline, the page with its document type, JSON is JSON."""
    markdown = sizeup("preview", "small-aws", "--markdown")
    assert (markdown.status, markdown.err) == (0, "")
    assert re.match(r"### small-aws: \d+ to add, 0 to change, 0 to destroy; \+[\d,.]+ USD/month\n", markdown.out)
    assert sizeup("preview", "small-aws", "--html").out.lower().startswith("<!doctype html>")


@pytest.mark.parametrize("both", [("--json", "--markdown"), ("--markdown", "--html")])
def test_two_forms_at_once_are_refused(both: tuple[str, str]):
    """Stdout holds one of them."""
    ended = sizeup("preview", "small-aws", *both)
    assert (ended.status, ended.out) == (2, "")
    assert f"{both[1]}: not allowed with argument {both[0]}" in ended.err


def test_both_ways_to_write_a_preview_tell_the_same_sums(report: Report):
    """To the cent: the total of the text, of the Markdown and of the JSON."""
    total = f"{report.cost.after.usd_per_month:,.2f}"
    assert re.search(rf"^  total +[\d,.]+ +{re.escape(total)}$", render_text(report), re.MULTILINE)
    assert f"| **total** |  | {report.cost.after.usd_per_hour:,.2f} | {total} |" in render_markdown(report)
    cost = json.loads(render_json(report))["cost"]
    assert f"{cost['after_usd_per_month']:,.2f}" == total
    assert round(sum(x["after_usd_per_month"] for x in cost["workloads"]), 2) == round(cost["after_usd_per_month"], 2)


def test_printed_lines_add_up_to_the_printed_total(report: Report):
    """As a person would check it, with what is on the screen alone."""
    text = render_text(report)
    rows = re.findall(r"^  \+ \S.* ([\d,]+\.\d\d) +([\d,]+\.\d\d) \[\d+\]$", text, re.MULTILINE)
    printed = re.search(r"^  total +([\d,.]+) +([\d,.]+)$", text, re.MULTILINE)
    assert printed is not None
    for at in (0, 1):
        cents = sum(round(float(row[at].replace(",", "")) * 100) for row in rows)
        assert f"{cents / 100:,.2f}" == printed[at + 1]
    fixed = [x for x in report.cost.after.lines if x.kind is CostKind.FIXED]
    assert len(rows) <= len(fixed)


@pytest.fixture(params=STACKS)
def report(request: pytest.FixtureRequest) -> Report:
    """The preview of an example stack against nothing."""
    return preview(Path(ROOT), request.param, Nothing())
