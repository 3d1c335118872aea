"""A stack of many workloads, for what must hold while a solver works for long."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.waiting import workload


def big_stack(root: Path, *, name: str = "big", workloads: int = 50) -> Path:
    """A stack file in the project *root*: models of five sizes at rates that do not divide each other, half N+1."""
    settings = {
        "sizeup:cloud": "aws",
        "sizeup:regions": ["us-east-1", "us-west-2"],
        "sizeup:workloads": [
            {**workload(number), "allow": {"weights": ["bf16", "fp8"], "spot_share": 0.3}}
            for number in range(workloads)
        ],
    }
    path = root / "stacks" / f"Pulumi.{name}.yaml"
    path.write_text(yaml.safe_dump({"config": settings}, sort_keys=False), encoding="utf-8")
    return path
