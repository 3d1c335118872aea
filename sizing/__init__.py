"""
From what a model must do to what to rent: a pure library, usable without Pulumi.

    spec = sizing.read_spec(mapping, catalog=sizing.catalog())
    match sizing.size(spec, sizing.catalog()):
        case sizing.Sized(plan=plan): ...
        case sizing.NoPlan(reason=reason, mends=mends): ...

Takes mappings and values and opens no file but its own packaged facts; ortools and pydantic are imported where they
are first used.
"""

from sizing.allocation import InconsistentPlan, size
from sizing.catalog import Catalog, Cloud, PurchaseMode, catalog, model_from_config
from sizing.errors import (
    DamagedPlan,
    InvalidModel,
    InvalidSpec,
    Problem,
    SizingError,
    StalePlan,
    UnknownFact,
    UnusablePlan,
)
from sizing.outcome import Miss, NoPlan, RunnerUp, Sized, SolverOutcome, SolverStatus
from sizing.plan import SizingPlan
from sizing.spec.read import read_spec
from sizing.spec.workload import Serving, Spec
from sizing.version import VERSION

__all__ = [
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
