"""Names and labels as Google Cloud accepts them: lowercase, limited in length, stable. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from components.labels import cost_tags
from components.platform import Platform

AUTONAME = 8  # a hyphen and seven digits, which Pulumi adds so that a replacement can be made before the old goes
NODE_POOL_NAME = 40 - AUTONAME  # GKE: cluster and node pool names, at most 40
ACCOUNT_ID = 30  # service account ids: 6 to 30, chosen by us
STACK_NAME = 20  # leaves room for what the children of a component append to it

_LABEL_LIMIT = 63
_DIGEST = 6


def gcp_name(text: str, *, limit: int) -> str:
    """
    *text* as a resource name (lowercase letters, digits, hyphens; starts with a letter), at most *limit* long.

    A text that has to be changed ends in a digest of the original, so two texts never become one name.
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name[:1].isalpha():
        name = f"s-{name}".rstrip("-")
    if name == text and len(name) <= limit:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{name[: limit - _DIGEST - 1].rstrip('-')}-{digest}"


def cost_labels(platform: Platform, *, stack: str) -> dict[str, str]:
    """Labels that every resource of a stack carries, so that its cost can be told apart."""
    return labels(cost_tags(platform, stack=stack))


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """*tags* as Google Cloud labels: lowercase letters, digits, hyphens and underscores, at most 63 each."""
    return {_label(key, is_key=True): _label(value, is_key=False) for key, value in tags.items()}


def _label(text: str, *, is_key: bool) -> str:
    clean = re.sub(r"[^a-z0-9_-]", "_", text.lower())
    if is_key and not clean[:1].isalpha():
        clean = f"l_{clean}"
    return clean[:_LABEL_LIMIT]
