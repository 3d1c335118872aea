"""The library's door: exactly these names, at the cost of a tenth of a second, without anything of Pulumi."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sizing
from sizing.__main__ import main

ROOT = Path(sizing.__file__).parent.parent

SPEC = {
    "cloud": "aws",
    "regions": ["us-east-1"],
    "workloads": [
        {
            "name": "assist",
            "kind": "serving",
            "model": "meta-llama/Llama-3.1-8B-Instruct",
            "traffic": {"requests_per_s": 5, "input_tokens": 900, "output_tokens": 200},
            "objectives": {"ttft_p95_s": 1.5, "tpot_p95_s": 0.08},
        }
    ],
}


def test_the_public_names_are_exactly_these():
    """Whoever adds one says so here."""
    assert sizing.__all__ == [
        "VERSION",
        "Catalog",
        "Cloud",
        "DamagedPlan",
        "InconsistentPlan",
        "InvalidModel",
        "InvalidSpec",
        "Miss",
        "NoPlan",
        "Problem",
        "PurchaseMode",
        "RunnerUp",
        "Serving",
        "Sized",
        "SizingError",
        "SizingPlan",
        "SolverOutcome",
        "SolverStatus",
        "Spec",
        "StalePlan",
        "UnknownFact",
        "UnusablePlan",
        "catalog",
        "model_from_config",
        "read_spec",
        "size",
    ]
    assert all(hasattr(sizing, name) for name in sizing.__all__)


def test_the_version_is_that_of_the_distribution():
    """Plans carry it."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == sizing.VERSION


def test_importing_the_library_imports_no_solver_and_no_cloud():
    """The solver and pydantic are imported where they are first used; Pulumi, YAML and the cloud SDKs never."""
    heavy = ("ortools", "pydantic", "numpy", "pandas", "pulumi", "yaml", "grpc", "boto3", "google.cloud")
    code = f"import sys, sizing; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_sizing_from_the_command_line(tmp_path, capsys):
    """A spec in, the plan document out."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    assert main([str(path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["region"] == "us-east-1"
    assert document["deployments"][0]["workload"] == "assist"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("{", 2, "error"),
        ("[]", 2, "a spec is a JSON object"),
        (json.dumps(SPEC | {"cloud": "azure"}), 2, "cloud"),
        (json.dumps(SPEC | {"budget_usd_per_month": 1}), 1, "no plan"),
    ],
)
def test_what_is_wrong_is_told_with_its_status(text: str, status: int, said: str, tmp_path, capsys):
    """2 for wrong input, 1 for no plan; nothing on standard output."""
    path = tmp_path / "spec.json"
    path.write_text(text)
    assert main([str(path)]) == status
    output = capsys.readouterr()
    assert said in output.err
    assert not output.out


def test_a_file_that_cannot_be_read_is_wrong_input(tmp_path, capsys):
    """No such file."""
    assert main([str(tmp_path / "absent.json")]) == 2
    assert "absent.json" in capsys.readouterr().err
