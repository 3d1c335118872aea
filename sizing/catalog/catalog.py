"""All facts as one value, with the lookups that the rest asks of it. Reads nothing but its own packaged files."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sizing.catalog.accelerator import Accelerator
from sizing.catalog.charge import Charge, StorageTier
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.model import Model
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.quota import AccountQuota
from sizing.errors import UnknownFact


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """What can be rented and what models are made of; every fact dated and sourced."""

    accelerators: tuple[Accelerator, ...]
    machines: tuple[Machine, ...]
    offers: tuple[Offer, ...]
    storage: tuple[StorageTier, ...]
    charges: tuple[Charge, ...]
    models: tuple[Model, ...]
    zones_by_region: Mapping[tuple[Cloud, str], tuple[str, ...]] = field(repr=False)
    as_of: str  # newest date of a price
    hash: str  # sha256 of the facts files
    oldest_price_as_of: str = "unknown"  # oldest date of a price that has a day
    quotas: tuple[AccountQuota, ...] = ()

    def accelerator(self, name: str) -> Accelerator:
        """
        The accelerator *name*.

        Raises:
            UnknownFact: With the nearest names, where there is none.
        """
        return _found("accelerator", name, self._accelerators)

    def machine(self, cloud: Cloud, name: str) -> Machine:
        """
        The machine type *name* of *cloud*.

        Raises:
            UnknownFact: With the nearest names, where there is none.
        """
        machine = self._machines.get((cloud, name))
        if machine is None:
            raise UnknownFact(kind=f"{cloud} machine", name=name, nearest=_near(name, (n for _, n in self._machines)))
        return machine

    def model(self, name: str) -> Model:
        """
        The model with this name or alias, in any case.

        Raises:
            UnknownFact: With the nearest names, where there is none.
        """
        model = self._models.get(name.lower())
        if model is None:
            raise UnknownFact(kind="model", name=name, nearest=self._near_models(name))
        return model

    def quota(self, cloud: Cloud, name: str) -> AccountQuota:
        """
        The quota of *cloud* with this id or name, in any case.

        Raises:
            UnknownFact: With the nearest ids and names, where there is none.
        """
        known = {word.lower(): fact for fact in self.quotas if fact.cloud is cloud for word in (fact.name, fact.id)}
        if name.lower() not in known:
            words = [word for fact in self.quotas if fact.cloud is cloud for word in (fact.id, fact.name)]
            raise UnknownFact(kind=f"{cloud} quota", name=name, nearest=_near(name, dict.fromkeys(words)))
        return known[name.lower()]

    def quotas_of(self, machine: Machine, mode: PurchaseMode) -> tuple[AccountQuota, ...]:
        """Every quota that a machine counts against when it is bought so; empty where no source tells one."""
        return tuple(quota for quota in self.quotas if quota.counts(machine, mode))

    def offers_for(self, cloud: Cloud, region: str, machine: str) -> tuple[Offer, ...]:
        """Every offer of one machine type in one region; empty where it is not sold there."""
        return self._offers.get((cloud, region, machine), ())

    def regions(self, cloud: Cloud) -> tuple[str, ...]:
        """Regions of *cloud* where anything is offered, sorted."""
        return tuple(sorted({region for of, region in self.zones_by_region if of is cloud}))

    def zones(self, cloud: Cloud, region: str) -> tuple[str, ...]:
        """Zones of a region, sorted; AWS: zone ids (use1-az1); empty where none is known."""
        return self.zones_by_region.get((cloud, region), ())

    def storage_tier(self, cloud: Cloud, region: str, service: str, tier: str) -> StorageTier | None:
        """One storage class of one region; None where no source tells it."""
        return self._storage.get((cloud, region, service, tier))

    def charge(self, cloud: Cloud, region: str, item: str) -> Charge | None:
        """A price of the region, or the one that holds everywhere; None where no source tells it."""
        return self._charges.get((cloud, region, item)) or self._charges.get((cloud, "all", item))

    @cached_property
    def _accelerators(self) -> Mapping[str, Accelerator]:
        return {fact.name: fact for fact in self.accelerators}

    @cached_property
    def _machines(self) -> Mapping[tuple[Cloud, str], Machine]:
        return {(fact.cloud, fact.name): fact for fact in self.machines}

    @cached_property
    def _models(self) -> Mapping[str, Model]:
        aliases = {alias.lower(): fact for fact in self.models for alias in fact.aliases}
        return aliases | {fact.name.lower(): fact for fact in self.models}

    @cached_property
    def _offers(self) -> Mapping[tuple[Cloud, str, str], tuple[Offer, ...]]:
        found: dict[tuple[Cloud, str, str], tuple[Offer, ...]] = {}
        for offer in self.offers:
            key = (offer.cloud, offer.region, offer.machine)
            found[key] = (*found.get(key, ()), offer)
        return found

    @cached_property
    def _storage(self) -> Mapping[tuple[Cloud, str, str, str], StorageTier]:
        return {(fact.cloud, fact.region, fact.service, fact.tier): fact for fact in self.storage}

    @cached_property
    def _charges(self) -> Mapping[tuple[Cloud, str, str], Charge]:
        """The first tier of each item: what the first unit costs."""
        found: dict[tuple[Cloud, str, str], Charge] = {}
        for fact in self.charges:
            found.setdefault((fact.cloud, fact.region, fact.item), fact)
        return found

    def _near_models(self, name: str) -> tuple[str, ...]:
        near = _near(name.lower(), self._models)
        return tuple(dict.fromkeys(self._models[key].name for key in near))


def _found(kind: str, name: str, facts: Mapping[str, Accelerator]) -> Accelerator:
    if name not in facts:
        raise UnknownFact(kind=kind, name=name, nearest=_near(name, facts))
    return facts[name]


def _near(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three names that contain *name*, or else that are spelled much like it."""
    known = list(names)
    holding = sorted(one for one in known if name.lower() in one.lower())
    return tuple((holding or difflib.get_close_matches(name, known, n=3, cutoff=0.6))[:3])
