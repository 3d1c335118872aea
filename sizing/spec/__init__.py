"""What is asked: the values of a spec, and reading them from what was written."""

from sizing.spec.read import model_paths, read_spec
from sizing.spec.workload import Allowed, Objectives, Serving, Spec, Survive, TokenLengths, Traffic

__all__ = [
    "Allowed",
    "Objectives",
    "Serving",
    "Spec",
    "Survive",
    "TokenLengths",
    "Traffic",
    "model_paths",
    "read_spec",
]
