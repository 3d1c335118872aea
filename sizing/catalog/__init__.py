"""What can be rented, and what models are made of: dated, sourced facts."""

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.catalog import Catalog
from sizing.catalog.charge import Charge, StorageTier
from sizing.catalog.huggingface import model_from_config
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model, ModelKind
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.packaged import catalog
from sizing.catalog.provenance import Provenance
from sizing.catalog.quantization import with_quantization
from sizing.catalog.quota import AccountQuota, QuotaScope, QuotaUnit

__all__ = [
    "Accelerator",
    "AcceleratorKind",
    "AccountQuota",
    "Catalog",
    "Charge",
    "Cloud",
    "LatentAttention",
    "Machine",
    "MixtureOfExperts",
    "Model",
    "ModelKind",
    "Offer",
    "Precision",
    "Provenance",
    "PurchaseMode",
    "QuotaScope",
    "QuotaUnit",
    "StorageTier",
    "catalog",
    "model_from_config",
    "with_quantization",
]
