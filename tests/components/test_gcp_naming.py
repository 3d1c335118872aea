"""Names and labels as Google Cloud accepts them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from components.gcp.naming import ACCOUNT_ID, NODE_POOL_NAME, cost_labels, gcp_name, labels
from components.platform import Platform


def test_a_name_that_fits_stays_as_it_is() -> None:
    """A preview then shows the names of the plan."""
    assert gcp_name("a3-highgpu-8g-us-central1-a", limit=NODE_POOL_NAME) == "a3-highgpu-8g-us-central1-a"


def test_a_name_that_is_too_long_is_cut_and_told_apart_by_a_digest() -> None:
    """GKE takes 40 characters, of which Pulumi needs 8; both pools would else be ct5lp-hightpu-4t-northamerica-no."""
    first = gcp_name("ct5lp-hightpu-4t-northamerica-northeast1-a", limit=NODE_POOL_NAME)
    second = gcp_name("ct5lp-hightpu-4t-northamerica-northeast1-b", limit=NODE_POOL_NAME)
    assert len(first) == len(second) == NODE_POOL_NAME
    assert first != second
    assert first.startswith("ct5lp-hightpu-4t-northame")


@given(st.text(min_size=1), st.text(min_size=1))
def test_every_text_becomes_a_valid_name_and_no_two_the_same(one: str, other: str) -> None:
    """Letters, digits and hyphens, from a letter to a letter or digit; service accounts want 6 at least."""
    name = gcp_name(f"{one}-nodes", limit=ACCOUNT_ID)
    assert re.fullmatch(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])", name)
    assert (name == gcp_name(f"{other}-nodes", limit=ACCOUNT_ID)) == (one == other)


@given(st.dictionaries(st.text(), st.text()))
def test_every_tag_becomes_a_valid_label(tags: dict[str, str]) -> None:
    """Lowercase letters, digits, hyphens and underscores, at most 63; keys start with a letter."""
    for key, value in labels(tags).items():
        assert re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key)
        assert re.fullmatch(r"[a-z0-9_-]{0,63}", value)


def test_cost_labels_tell_the_stack_and_who_pays() -> None:
    """An address as owner is kept readable."""
    platform = Platform(owner="Ops@Example.com", labels={"cost-centre": "4711"})
    assert cost_labels(platform, stack="chat-gcp") == {
        "managed-by": "sizeup",
        "sizeup-stack": "chat-gcp",
        "owner": "ops_example_com",
        "cost-centre": "4711",
    }
