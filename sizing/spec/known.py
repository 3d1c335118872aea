"""What a spec may name: regions, zones, machines, accelerators and models that the facts hold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationInfo

from sizing.catalog import AccountQuota, Catalog, model_from_config
from sizing.catalog.machine import Cloud
from sizing.catalog.model import Model, ModelKind
from sizing.catalog.quantization import named_precision
from sizing.catalog.reservation import RESERVATION_NAMES
from sizing.errors import InvalidModel, UnknownFact
from sizing.spec.mistake import mistake
from sizing.spec.wording import did_you_mean

CONFIG_SUFFIX = ".json"  # a model that ends so is a path

# What tells a user how a reservation is called.
_RESERVATION_MENDS = {
    Cloud.AWS: "give its id, as `aws ec2 describe-capacity-reservations` does: cr-0123456789abcdef0",
    Cloud.GCP: "give its name, as `gcloud compute reservations list` does",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The facts that names are looked up in, and the part of what was asked that narrows the look-up."""

    catalog: Catalog
    clouds: tuple[Cloud, ...]  # asked, or every cloud where that cannot be read
    regions: tuple[str, ...]  # asked and known
    zones: tuple[str, ...]  # asked; empty: any of the regions
    teams: tuple[str, ...]  # told
    model_configs: Mapping[str, bytes]  # by path, as written

    @classmethod
    def about(cls, written: Mapping[str, object], *, catalog: Catalog, model_configs: Mapping[str, bytes]) -> Known:
        """What is known for a spec as written, mistakes left out."""
        clouds = tuple(cloud for cloud in Cloud if cloud in _words(written.get("cloud"))) or tuple(Cloud)
        known = {region for cloud in clouds for region in catalog.regions(cloud)}
        regions = tuple(region for region in _words(written.get("regions")) if region in known)
        return cls(
            catalog=catalog,
            clouds=clouds,
            regions=regions,
            zones=_words(written.get("zones")),
            teams=names_in(written, "teams"),
            model_configs=model_configs,
        )

    @property
    def clouds_text(self) -> str:
        """The clouds asked, as words."""
        return " or ".join(self.clouds)

    def quota(self, written: str) -> AccountQuota:
        """
        The quota of a cloud that is asked, by its id or name.

        Raises:
            UnknownFact: If the facts hold no such quota.
        """
        for cloud in self.clouds[:-1]:
            try:
                return self.catalog.quota(cloud, written)
            except UnknownFact:
                continue
        return self.catalog.quota(self.clouds[-1], written)

    def cloud_of(self, region: str) -> Cloud:
        """The cloud that a known region is of."""
        return next(cloud for cloud in Cloud if region in self.catalog.regions(cloud))

    def region_of(self, zone: str) -> str:
        """The region that a zone of the regions asked lies in."""
        return next(region for region in self.regions if zone in self.catalog.zones(self.cloud_of(region), region))

    def model(self, written: str, *, hub_id: str | None = None) -> Model:
        """
        The model of a name, an alias, or the path of a configuration, with the repository that the server loads.

        That is *hub_id*, else the repository that was written as the name, else the one of the facts.

        Raises:
            UnknownFact: If the facts hold no such model.
            InvalidModel: If the configuration cannot be read.
        """
        if written.endswith(CONFIG_SUFFIX):
            model = model_of_config(written, self.model_configs)
        else:
            model = self.catalog.model(written)
            named = [name for name in (model.hub_id, *model.aliases) if "/" in name and name.lower() == written.lower()]
            hub_id = hub_id or next(iter(named), None)
        return served_from(model, hub_id or model.hub_id)


def served_from(model: Model, hub_id: str) -> Model:
    """
    The *model* as the repository *hub_id* holds it.

    Aliases of one model name checkpoints of several precisions; the publishers tell which in the name's end
    (Qwen/Qwen3-32B-FP8), and the server loads what is there.
    """
    return dataclasses.replace(model, hub_id=hub_id, native_precision=named_precision(hub_id) or model.native_precision)


def model_of_config(path: str, model_configs: Mapping[str, bytes]) -> Model:
    """
    The model that a configuration file describes.

    Raises:
        InvalidModel: If there is no such file, it is no JSON object, or describes no decoder.
    """
    if path not in model_configs:
        raise InvalidModel(source=path, what="there is no such file", mend="give a path from the stack file")
    try:
        config = json.loads(model_configs[path])
    except ValueError as error:
        raise InvalidModel(
            source=path, what=f"is no JSON: {error}", mend="give the config.json of a Hugging Face repository"
        ) from None
    if not isinstance(config, dict):
        raise InvalidModel(
            source=path, what="is no JSON object", mend="give the config.json of a Hugging Face repository"
        )
    return model_from_config(config, name=path.removesuffix(CONFIG_SUFFIX), source=path)


def _words(value: object) -> tuple[str, ...]:
    """The texts in a text or in a list; nothing else."""
    values = value if isinstance(value, list) else [value]
    return tuple(word for word in values if isinstance(word, str))


def names_in(written: Mapping[str, object], key: str) -> tuple[str, ...]:
    """The names of the mappings in a list as written; what has none is left out."""
    listed = written.get(key)
    names = [one.get("name") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return tuple(name for name in names if isinstance(name, str))


def known_context(info: ValidationInfo) -> Known:
    """The facts that a form is read with."""
    if not isinstance(info.context, Known):
        raise TypeError("a spec is validated with Known as context")
    return info.context


def known_region(region: str, info: ValidationInfo) -> str:
    """The region, if a cloud that is asked has it."""
    known = known_context(info)
    regions = [name for cloud in known.clouds for name in known.catalog.regions(cloud)]
    if region not in regions:
        for cloud in set(Cloud) - set(known.clouds):
            if region in known.catalog.regions(cloud):
                mend = f"choose a region of {known.clouds_text}, or add {cloud} to cloud"
                raise mistake(f"{region} is a region of {cloud}, and cloud is {known.clouds_text}", mend)
        mend = did_you_mean(region, regions, otherwise=f"regions: {', '.join(sorted(regions))}")
        raise mistake(f"{region} is no region of {known.clouds_text} in the facts", mend)
    return region


def known_own_region(region: str, info: ValidationInfo) -> str:
    """The region, if it is one of those that the spec names."""
    known = known_context(info)
    known_region(region, info)
    if region not in known.regions:
        listed = f"choose from {', '.join(known.regions)}, or add {region} to regions"
        raise mistake(f"{region} is not among the regions of the stack", listed)
    return region


def known_zone(zone: str, info: ValidationInfo) -> str:
    """The zone, if it lies in a region that is asked."""
    known = known_context(info)
    zone_region = {
        name: region
        for cloud in known.clouds
        for region in known.catalog.regions(cloud)
        for name in known.catalog.zones(cloud, region)
    }
    inside = [name for name, region in zone_region.items() if region in known.regions]
    if zone in inside:
        if known.zones and zone not in known.zones:  # of a reservation: the stack's own zones are all among themselves
            raise mistake(f"{zone} is not among the zones of the stack", f"add {zone} to zones, or leave zones out")
        return zone
    if zone in zone_region:
        raise mistake(
            f"{zone} lies in {zone_region[zone]}, which is not among regions",
            f"add {zone_region[zone]} to regions, or choose from {', '.join(inside)}",
        )
    listed = f"zones: {', '.join(inside)}"
    if zone[:-1] in known.catalog.regions(Cloud.AWS):
        raise mistake(f"{zone} is a zone name, which means another place in every account", f"give zone ids; {listed}")
    raise mistake(f"{zone} is no zone of the regions", did_you_mean(zone, inside, otherwise=listed))


def known_accelerator(accelerator: str, info: ValidationInfo) -> str:
    """The accelerator, if the facts hold it."""
    known = known_context(info)
    accelerators = {fact.name: fact for fact in known.catalog.accelerators}
    if accelerator not in accelerators:
        names = [name for name, fact in accelerators.items() if set(fact.rented_on) & set(known.clouds)]
        mend = did_you_mean(accelerator, names, otherwise="`sizeup facts list accelerators` lists them")
        raise mistake(f"{accelerator} is no accelerator in the facts", mend)
    if not set(accelerators[accelerator].rented_on) & set(known.clouds):
        raise mistake(
            f"{accelerator} is not rented by {known.clouds_text}", "`sizeup facts list accelerators` tells who rents it"
        )
    return accelerator


def known_machine(machine: str, info: ValidationInfo) -> str:
    """The machine type, if a cloud that is asked rents it and it has accelerators."""
    known = known_context(info)
    machines = {fact.name: fact for fact in known.catalog.machines if fact.cloud in known.clouds}
    if machine not in machines:
        names = [name for name, fact in machines.items() if fact.accelerator]
        mend = did_you_mean(machine, names, otherwise="`sizeup facts list machines` lists them")
        raise mistake(f"{machine} is no machine of {known.clouds_text} in the facts", mend)
    if machines[machine].accelerator is None:
        raise mistake(f"{machine} has no accelerator", "`sizeup facts list machines` tells which have")
    return machine


def known_team(team: str | None, info: ValidationInfo) -> str | None:
    """The team, if the spec tells one of that name."""
    teams = known_context(info).teams
    if team is None or team in teams:
        return team
    listed = (
        f"choose from {', '.join(dict.fromkeys(teams))}"
        if teams
        else f"write teams: [{{name: {team}}}] beside workloads"
    )
    raise mistake(f"{team} is no team of the stack", did_you_mean(team, teams, otherwise=listed))


def known_quota(written: str, info: ValidationInfo) -> str:
    """The id of the quota that is named by its id or its name in a console."""
    known = known_context(info)
    try:
        return known.quota(written).id
    except UnknownFact:
        words = [word for fact in known.catalog.quotas if fact.cloud in known.clouds for word in (fact.id, fact.name)]
        mend = did_you_mean(written, tuple(dict.fromkeys(words)), otherwise="`sizeup facts list quotas` lists them")
        raise mistake(f"{written} is no quota of {known.clouds_text} in the facts", mend) from None


def known_reservation(name: str, zone: str, info: ValidationInfo) -> None:
    """Nothing, if the cloud of *zone* could call a reservation so."""
    known = known_context(info)
    cloud = known.cloud_of(known.region_of(zone))
    if not RESERVATION_NAMES[cloud].fullmatch(name):
        raise mistake(f"{name} is no name that {cloud} gives a reservation or a block", _RESERVATION_MENDS[cloud])


def one_cloud(
    info: ValidationInfo, of: Mapping[str, str | Cloud], *, region: str | None = None, zone: str | None = None
) -> None:
    """Nothing, if what is named is of the same cloud as the region or the zone beside it."""
    known = known_context(info)
    place = region or zone or ""
    here = known.cloud_of(region or known.region_of(place))
    for what, named in of.items():
        own = {named} if isinstance(named, Cloud) else {m.cloud for m in known.catalog.machines if m.name == named}
        if here not in own:
            others = " or ".join(sorted(own))
            raise mistake(f"{place} is of {here}, and the {what} of {others}", f"give a {what} of {here}")


def known_model(written: str, info: ValidationInfo) -> str:
    """The name of a model, if it can be sized."""
    known = known_context(info)
    try:
        model = known.model(written)
    except UnknownFact:
        names = [name for fact in known.catalog.models for name in (fact.name, *fact.aliases)]
        otherwise = "give the path of its Hugging Face config.json, from the stack file"
        mend = did_you_mean(written, names, otherwise=otherwise)
        raise mistake(f"{written} is no model in the facts", f"{mend}") from None
    except InvalidModel as error:
        raise mistake(f"{error.source}: {error.what}", error.mend) from None
    if model.kind is not ModelKind.DECODER:
        raise mistake(f"{written} is no decoder language model, and others are not sized yet", "choose a decoder")
    return written
