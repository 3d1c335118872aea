"""What is asked: the values of a spec, and reading them from what was written."""

from sizing.spec.capacity import (
    CapacityBlock,
    Commitments,
    OwnedCommitment,
    QuotaLimit,
    Reservation,
    TeamQuota,
)
from sizing.spec.read import model_paths, read_spec
from sizing.spec.schedule import DayPart, Window
from sizing.spec.workload import Allowed, Objectives, Serving, Spec, Survive, TokenLengths, Traffic

__all__ = [
    "Allowed",
    "CapacityBlock",
    "Commitments",
    "DayPart",
    "Objectives",
    "OwnedCommitment",
    "QuotaLimit",
    "Reservation",
    "Serving",
    "Spec",
    "Survive",
    "TeamQuota",
    "TokenLengths",
    "Traffic",
    "Window",
    "model_paths",
    "read_spec",
]
