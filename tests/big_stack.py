"""A stack of many workloads, for what must hold while a solver works for long."""

from __future__ import annotations

from pathlib import Path

import yaml

MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "mistralai/Mistral-7B-Instruct-v0.3",
    "Qwen/Qwen2.5-32B-Instruct",
    "google/gemma-2-9b-it",
)


def big_stack(root: Path, *, name: str = "big", workloads: int = 50) -> Path:
    """A stack file in the project *root*: models of five sizes at rates that do not divide each other, half N+1."""
    settings = {
        "sizeup:cloud": "aws",
        "sizeup:regions": ["us-east-1", "us-west-2"],
        "sizeup:workloads": [_workload(number) for number in range(workloads)],
    }
    path = root / "stacks" / f"Pulumi.{name}.yaml"
    path.write_text(yaml.safe_dump({"config": settings}, sort_keys=False), encoding="utf-8")
    return path


def _workload(number: int) -> dict[str, object]:
    return {
        "name": f"work-{number}",
        "kind": "serving",
        "model": MODELS[number % len(MODELS)],
        "traffic": {
            "requests_per_s": 1 + number * 37 % 17,
            "input_tokens": {"mean": 700 + 100 * (number % 3)},
            "output_tokens": {"mean": 150 + 50 * (number % 4)},
        },
        "objectives": {"ttft_p95_s": 1.5, "tpot_p95_s": 0.06},
        "allow": {"weights": ["bf16", "fp8"], "spot_share": 0.3},
        "survive": "zone" if number % 2 else "none",
    }
