"""What the README says is true: the plan it shows, the commands it lists, the figures it works out by hand."""

import re

import pytest

from infra.cli import parser
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
