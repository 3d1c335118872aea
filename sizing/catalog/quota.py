"""Quotas: how much of what a cloud lets one account run at a time, in the cloud's own unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import PurchaseMode
from sizing.catalog.provenance import Provenance


class QuotaUnit(StrEnum):
    """What a quota counts."""

    VCPU = "vCPU"  # AWS counts vCPUs, of machines with accelerators too
    GPU = "GPU"
    CHIP = "chip"  # TPU


class QuotaScope(StrEnum):
    """Where a quota's limit holds."""

    REGION = "region"  # a limit for each region
    GLOBAL = "global"  # one limit for all regions together


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuota:
    """One quota; its limit is the account's own and no fact."""

    cloud: Cloud
    id: str  # L-417A185B; with the value of its dimension where it has one: GPUS-PER-GPU-FAMILY-...:NVIDIA_H100
    name: str  # as the provider's console shows it
    scope: QuotaScope
    unit: QuotaUnit
    families: tuple[str, ...]  # of machines that count against it
    modes: tuple[PurchaseMode, ...]  # ways to buy that count against it
    provenance: Provenance

    def counts(self, machine: Machine, mode: PurchaseMode) -> bool:
        """Whether a machine that is bought so counts against it."""
        return self.cloud is machine.cloud and machine.family in self.families and mode in self.modes

    def units_of(self, machine: Machine) -> int:
        """How much of it one machine takes."""
        return machine.vcpus if self.unit is QuotaUnit.VCPU else machine.accelerators
