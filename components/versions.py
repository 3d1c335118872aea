"""Versions that a deployment pins, each with source and date. What no source told is absent: a setting must give it.

Versions are written as upstream writes them, without a leading v (EKS add-ons want one: the component adds it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One version of one component, as a source showed it."""

    component: str  # eks.addon.coredns, nvidia.device-plugin, vllm
    version: str
    kubernetes: str | None  # minor version that this pin is for; None: any
    image: str | None  # container image of this version, where it is one
    source: str
    as_of: str
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpinned:
    """A component whose version no source tells: a required setting where it is used."""

    component: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """All pins, at most one for each component and Kubernetes minor version, and what has none."""

    pins: tuple[Pin, ...]
    unpinned: tuple[Unpinned, ...] = ()

    @property
    def components(self) -> tuple[str, ...]:
        """Names of everything that has a version, pinned or to be set."""
        return tuple(dict.fromkeys([*(pin.component for pin in self.pins), *(row.component for row in self.unpinned)]))

    def find(self, component: str, *, kubernetes: str | None = None) -> Pin | None:
        """The pin for a Kubernetes minor version (1.35), or else the one for any; None where no source tells."""
        of_component = [pin for pin in self.pins if pin.component == component]
        return _for_minor(of_component, kubernetes) or _for_minor(of_component, None)


def _for_minor(pins: Sequence[Pin], kubernetes: str | None) -> Pin | None:
    return next((pin for pin in pins if pin.kubernetes == kubernetes), None)


@cache
def packaged_pins() -> Pins:
    """The pins that ship with sizeup."""
    document = json.loads(resources.files("components").joinpath("versions.json").read_text(encoding="utf-8"))
    return Pins(
        pins=tuple(
            Pin(
                component=row["component"],
                version=row["version"],
                kubernetes=row.get("kubernetes"),
                image=row.get("image"),
                source=row["source"],
                as_of=row["as_of"],
                note=row.get("note"),
            )
            for row in document["pins"]
        ),
        unpinned=tuple(Unpinned(component=row["component"], why=row["why"]) for row in document["unpinned"]),
    )
