"""YAML with lines, read as every reader in the chain reads it."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from infra.document import read, scalar

TEXT = st.text("aé 0.:-#'\"\\\n", max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e12, 1e12) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0.045", 0.045),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("2.5e+05", 250000.0),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("aws", "aws"),
        ("us-east-1", "us-east-1"),
        # what some readers take for a number, a truth, a date or a time stays text
        ("yes", "yes"),
        ("On", "On"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        ("2026-07-20", "2026-07-20"),
        (".inf", ".inf"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_plain_text_is_a_number_only_where_all_readers_agree(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@given(JSON)
def test_json_is_read_as_json(value: object) -> None:
    """JSON is YAML; what an engine hands over and what a file holds are read alike."""
    assert read(json.dumps(value)).value == value


def test_a_quoted_number_is_text() -> None:
    assert read("a: '12'\nb: \"1.30\"\n").value == {"a": "12", "b": "1.30"}


def test_every_key_and_item_has_its_line() -> None:
    document = read("a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n")
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "d"): 5,
    }
    assert document.line(("a", "c", 1, "missing")) == 5
    assert document.line(("z",)) is None


def test_an_anchor_may_be_used_again_but_not_inside_itself() -> None:
    assert read("a: &x [1]\nb: *x\n").value == {"a": [1], "b": [1]}
    assert [problem.what for problem in read("a: &x {b: *x}\n").problems] == ["holds itself"]


def test_what_is_no_yaml_is_an_error_of_the_reader() -> None:
    with pytest.raises(yaml.YAMLError):
        read("a: [1")
