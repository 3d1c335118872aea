"""Which of EKS's machine images a node starts from: a table over processor and accelerator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from sizing.catalog.accelerator import AcceleratorKind
from sizing.errors import UnknownFact


class Arch(StrEnum):
    """Instruction set of a machine."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


# awslabs/amazon-eks-ami CHANGELOG.md, release v20260714. Neuron machines are x86 only; AWS rents no TPU.
_AMI_TYPES: Mapping[tuple[AcceleratorKind | None, Arch], str] = {
    (None, Arch.X86_64): "AL2023_x86_64_STANDARD",
    (None, Arch.ARM64): "AL2023_ARM_64_STANDARD",
    (AcceleratorKind.GPU, Arch.X86_64): "AL2023_x86_64_NVIDIA",
    (AcceleratorKind.GPU, Arch.ARM64): "AL2023_ARM_64_NVIDIA",
    (AcceleratorKind.NEURON, Arch.X86_64): "AL2023_x86_64_NEURON",
}

_FAMILY = re.compile(r"^(?:u-)?[a-z]+\d+(?P<options>[a-z]*)(?:-(?P<chip>[a-z]+)\d+)?")


def arch_of(machine: str) -> Arch:
    """
    Instruction set of an EC2 machine, as its name tells.

    A `g` after the generation's number means Graviton (m7g, c7gn, g5g), as does the Grace part of a GB200 or GB300.
    """
    found = _FAMILY.match(machine)
    if found is None:
        raise UnknownFact(kind="EC2 machine family", name=machine)
    graviton = "g" in found["options"] or (found["chip"] or "").startswith("gb")
    return Arch.ARM64 if graviton else Arch.X86_64


def ami_type(machine: str, kind: AcceleratorKind | None) -> str:
    """
    The node group's AMI type.

    Raises:
        UnknownFact: If EKS has no image for the pair.
    """
    found = _AMI_TYPES.get((kind, arch_of(machine)))
    if found is None:
        raise UnknownFact(kind="EKS machine image", name=f"{kind} on {machine}")
    return found
