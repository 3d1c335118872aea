"""Whole previews of the example stacks, as a person sees them; reviewed like code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE_LINE = re.compile(r"(?<=\.py:)\d+")  # moves with every edit above it
STACKS = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in ROOT.glob("stacks/Pulumi.*.yaml"))


@pytest.mark.parametrize("stack", STACKS)
def test_the_preview_of_an_example_stack(stack, matches_golden):
    """The unmodified program against nothing: sizing, resources, capacity and cost of `make preview`."""
    from infra.preview.base import Nothing
    from infra.preview.compose import preview
    from infra.render.text import render_text

    if not (ROOT / "stacks" / f"{stack}.plan.json").exists():
        pytest.skip(f"{stack} has no plan yet: sizeup size {stack}")
    matches_golden(SOURCE_LINE.sub("LINE", render_text(preview(ROOT, stack, Nothing()))), f"{stack}.txt")


def test_the_comment_on_a_pull_request(matches_golden):
    """One stack as Markdown: what `sizeup preview small-aws --markdown` prints."""
    from infra.preview.base import Nothing
    from infra.preview.compose import preview
    from infra.render.markdown import render_markdown

    matches_golden(SOURCE_LINE.sub("LINE", render_markdown(preview(ROOT, "small-aws", Nothing()))), "small-aws.md")


def test_no_golden_file_is_left_over():
    """A preview of a stack that is gone is reviewed by nobody."""
    assert {path.stem for path in (ROOT / "tests" / "golden").iterdir()} <= set(STACKS)
