"""Rules on Google Cloud: node pools, clusters, networks, buckets."""

from __future__ import annotations

from components.rules.rule import Rule

RULES: tuple[Rule, ...] = ()
