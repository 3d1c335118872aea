"""
Example stacks as none of them is.

Who administers, who may call from outside, who has a key; machines that come and go by hours or out of a reservation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.stack import plan_path, stack_path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One stack under other settings, or with another plan."""

    of: str  # the stack
    config: Mapping[str, object]  # over that of its file
    plan: Mapping[str, object]  # over the locked one


def load_variants(path: Path = HERE / "variants.json") -> Mapping[str, Variant]:
    """The variants by their names."""
    content = json.loads(path.read_text(encoding="utf-8"))["variants"]
    return {
        name: Variant(of=row["of"], config=row.get("config", {}), plan=row.get("plan", {}))
        for name, row in content.items()
    }


def project_of(variant: Variant, *, root: Path, folder: Path) -> Path:
    """A project in *folder*, which is made: that in *root*, with the one stack, its plan and its settings."""
    plan, stack = (path(folder, variant.of) for path in (plan_path, stack_path))
    plan.parent.mkdir(parents=True)
    for part in ("infra", "Pulumi.yaml"):
        (folder / part).symlink_to(root / part)
    locked = json.loads(plan_path(root, variant.of).read_text(encoding="utf-8"))
    plan.write_text(json.dumps(_over(locked, variant.plan)), encoding="utf-8")
    written = yaml.safe_load(stack_path(root, variant.of).read_text(encoding="utf-8"))
    written["config"] = _over(written["config"], variant.config)
    stack.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    return folder


def _over(below: object, above: object) -> object:
    """*above* over *below*: objects key by key, lists of objects by their names, and all else whole."""
    if isinstance(below, list) and isinstance(above, Mapping):
        if strays := above.keys() - {part["name"] for part in below}:
            raise ValueError(f"a variant of parts that are not there: {', '.join(sorted(strays))}")
        return [_over(part, above.get(part["name"], {})) for part in below]
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above
