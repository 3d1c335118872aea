"""Options and profiles of the whole test run; no fixture here hides the subject of a test."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"
ENGINE = Path(__file__).parent / "engine"

# Two cores shared with other work: an example that took long says nothing about the code.
settings.register_profile(
    "sizeup", deadline=None, derandomize="CI" in os.environ
)  # CI tries the same examples each time
settings.load_profile("sizeup")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` rewrites the files under tests/golden instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/*; review them like code")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The tests on the real engine take a quarter of an hour: they run where they are asked for, by `make engine`."""
    if collection_path != ENGINE:
        return None
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(ENGINE) for path in asked) else True


@pytest.fixture
def matches_golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """A check that a text equals the golden file of that name, whole; or, with --update-golden, becomes it."""
    update = bool(request.config.getoption("--update-golden"))

    def check(text: str, name: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        wanted = path.read_text(encoding="utf-8") if path.exists() else ""
        moved = difflib.unified_diff(wanted.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm="", n=1)
        assert text == wanted, "\n".join([*moved, "hint: if this is meant, run make golden and review the difference"])

    return check
