"""A resource provider as the engine expects it, in front of an emulated cloud: aws, gcp or kubernetes.

Everything it knows comes from the SDK's typed classes, from `facts/` and from the replacement facts of the preview.
"""

# ruff: noqa: N802  methods have the names of the protocol

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import threading
import time
from collections.abc import Mapping

from components.graph import Unknown, Value
from infra.emulation import checks, diffs, outputs
from infra.emulation.answers import diff_response, init_failed, settings_of, with_secrets_of
from infra.emulation.cloud import BROKEN, AlreadyExists, Call, Cloud
from infra.emulation.errors import (
    CREATED_ALL_THE_SAME,
    Subject,
    already_exists,
    error_text,
    guarded,
    is_retried,
    not_found,
)
from infra.emulation.faults import Fault, Injection, Method
from infra.emulation.nature import Settings, nature_of
from infra.emulation.protocol import empty_pb2, grpc, plugin_pb2, provider_pb2, provider_pb2_grpc
from infra.recorder.wire import decoded_struct, encoded_struct

_CRASHED = 9  # exit status of a provider that a fault killed
_BACKOFF_S = 0.2  # what the provider's own retries take, instead of minutes


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine's calls; the methods have the protocol's names."""

    def __init__(self, package: str, cloud: Cloud, faults: tuple[Injection, ...], *, delay_s: float = 0.0) -> None:
        """Stand in front of *cloud*, which has *faults* and takes *delay_s* for each change."""
        importlib.import_module(f"pulumi_{package}")  # registers the table of its types
        self._package, self._cloud, self._faults, self._delay_s = package, cloud, faults, delay_s
        self._settings = Settings(package=package)
        self._importing = threading.Lock()

    # What the engine asks before any resource

    def Handshake(self, _request: object, _context: object = None) -> provider_pb2.ProviderHandshakeResponse:
        """What this provider understands."""
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=self._takes_secrets, supports_autonaming_configuration=True
        )

    def Attach(self, _request: object, _context: object = None) -> empty_pb2.Empty:
        """Nothing to attach to: the provider needs nothing of the engine."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: object, _context: object = None) -> plugin_pb2.PluginInfo:
        """The version of the SDK whose types are served."""
        return plugin_pb2.PluginInfo(version=version_of(self._package))

    def GetSchema(self, _request: object, _context: object = None) -> provider_pb2.GetSchemaResponse:
        """A schema that says which package this is; its types are in the SDK."""
        schema = {"name": self._package, "version": version_of(self._package)}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: provider_pb2.CheckRequest, _context: object = None) -> provider_pb2.CheckResponse:
        """The provider's own inputs, as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, _context: object = None) -> provider_pb2.DiffResponse:
        """Changes of the provider's own inputs: all are made in place, but for another cluster."""
        old, new = decoded_struct(request.old_inputs), decoded_struct(request.news)
        return diff_response(diffs.diffed_config(f"pulumi:providers:{self._package}", old, new))

    def Configure(
        self, request: provider_pb2.ConfigureRequest, _context: object = None
    ) -> provider_pb2.ConfigureResponse:
        """Take region, project and default tags from the provider's inputs."""
        self._settings = settings_of(self._package, decoded_struct(request.args))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=self._takes_secrets,
            supportsPreview=True,
            supports_autonaming_configuration=True,
        )

    @property
    def _takes_secrets(self) -> bool:
        """Bridged providers leave secrets to the engine; the Kubernetes provider handles them."""
        return self._package == "kubernetes"

    def Cancel(self, _request: object, _context: object = None) -> empty_pb2.Empty:
        """Nothing runs so long that it had to be cancelled."""
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """A function of the provider, from the table of those that the stacks use."""
        found = outputs.invoked(request.tok, self._settings)
        if found is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.tok} is not emulated")
            raise AssertionError
        return provider_pb2.InvokeResponse(**{"return": encoded_struct(found)})

    # What the engine asks of a resource

    def Check(self, request: provider_pb2.CheckRequest, _context: object = None) -> provider_pb2.CheckResponse:
        """The inputs to record: validated, named, with defaults."""
        asked = checks.Request(
            urn=request.urn,
            type=self._type(request.urn),
            name=name_of(request.urn),
            inputs=outputs.without_marks(decoded_struct(request.news)),  # what ignoreChanges kept has them
            old=decoded_struct(request.olds),
            seed=request.randomSeed,
            proposed_name=request.autonaming.proposed_name,
        )
        with self._importing:
            found = checks.checked(asked, self._settings)
        return provider_pb2.CheckResponse(
            inputs=encoded_struct(found.inputs),
            failures=[
                provider_pb2.CheckFailure(property=checks.path_of(mistake), reason=f"{mistake.what}; {mistake.mend}")
                for mistake in found.failures
            ],
        )

    def Diff(self, request: provider_pb2.DiffRequest, _context: object = None) -> provider_pb2.DiffResponse:
        """What changed, and whether in place."""
        old, new = decoded_struct(request.old_inputs), decoded_struct(request.news)
        return diff_response(diffs.diffed(self._type(request.urn), old, new, self._settings))

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Make the resource, or say what a preview can know of it."""
        type_, name, inputs = self._type(request.urn), name_of(request.urn), decoded_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encoded_struct(outputs.foreseen(type_, inputs)))
        id_, found = outputs.created(type_, name, inputs, self._settings)
        subject = self._subject(type_, name, inputs)
        fault = self._before(Method.CREATE, subject, context)
        if fault in (Fault.PARTIAL, *CREATED_ALL_THE_SAME.get(type_, ())):
            found = outputs.merged(found, {"status": "CREATE_FAILED"}) if "status" in found else found
        kept = {**found, BROKEN: True} if fault is Fault.PARTIAL else found
        try:
            self._cloud.create(
                type_=type_, id_=id_, urn=request.urn, inputs=inputs, outputs=kept, cluster=self._settings.cluster
            )
        except AlreadyExists:
            self._refuse(Method.CREATE, subject, already_exists(subject, id_), context)
        self._after(Method.CREATE, subject, id_, fault)
        if fault is not None and fault is not Fault.THROTTLED_BRIEFLY:
            init_failed(context, id_, found, inputs, error_text(fault, subject))
        return provider_pb2.CreateResponse(id=id_, properties=encoded_struct(found))

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Change the resource, or say what a preview can know of the change."""
        type_, name, inputs = self._type(request.urn), name_of(request.urn), decoded_struct(request.news)
        old = decoded_struct(request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encoded_struct(self._foreseen_update(type_, inputs, old)))
        subject = self._subject(type_, name, inputs)
        fault = self._before(Method.UPDATE, subject, context)
        there = self._cloud.find(type_=type_, id_=request.id, cluster=self._settings.cluster)
        if there is None:
            self._refuse(Method.UPDATE, subject, not_found(subject, request.id), context)
            raise AssertionError
        found = outputs.updated(type_, name, inputs, old, self._settings, revision=there.revision + 1)
        kept = {**found, BROKEN: True} if BROKEN in there.outputs and _stays_broken(type_) else found
        self._cloud.update(type_=type_, id_=request.id, inputs=inputs, outputs=kept, cluster=self._settings.cluster)
        self._after(Method.UPDATE, subject, request.id, fault)
        if fault is Fault.PARTIAL:
            init_failed(context, request.id, found, inputs, error_text(fault, subject))
        return provider_pb2.UpdateResponse(properties=encoded_struct(found))

    def _foreseen_update(self, type_: str, inputs: Mapping[str, Value], old: Mapping[str, Value]) -> dict[str, Value]:
        known = outputs.updated(type_, "", inputs, old, self._settings, revision=0)
        counted = {key: Unknown() for key in outputs.counts_updates(type_)}
        return {**known, **counted}

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Remove the resource; one that is gone already is as well."""
        type_, name = self._type(request.urn), name_of(request.urn)
        subject = self._subject(type_, name, decoded_struct(request.old_inputs))
        fault = self._before(Method.DELETE, subject, context)
        guard = nature_of(type_).guard
        there = self._cloud.find(type_=type_, id_=request.id, cluster=self._settings.cluster)
        if there is not None and guard and there.inputs.get(guard) is True and not self._cloud.guards_are_released:
            self._refuse(Method.DELETE, subject, guarded(subject, request.id), context)
        self._cloud.delete(type_=type_, id_=request.id, cluster=self._settings.cluster)
        self._after(Method.DELETE, subject, request.id, fault)
        return empty_pb2.Empty()

    def Read(self, request: provider_pb2.ReadRequest, _context: object = None) -> provider_pb2.ReadResponse:
        """The resource as the cloud has it; without an id where it is gone."""
        there = self._cloud.find(type_=self._type(request.urn), id_=request.id, cluster=self._settings.cluster)
        if there is None:
            return provider_pb2.ReadResponse()
        known, wanted = decoded_struct(request.properties), decoded_struct(request.inputs)
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=encoded_struct(with_secrets_of(outputs.without_marks(there.outputs), known)),
            inputs=encoded_struct(with_secrets_of(there.inputs, wanted)),
        )

    def _type(self, urn: str) -> str:
        """The type in *urn*, with its SDK class loaded: of a package that two threads import at once, one gets half."""
        type_ = type_of(urn)
        with self._importing:
            nature_of(type_)
        return type_

    # The cloud, with its faults

    def _subject(self, type_: str, name: str, inputs: Mapping[str, Value]) -> Subject:
        return Subject(package=self._package, type=type_, name=name, inputs=inputs, settings=self._settings)

    def _before(self, method: Method, subject: Subject, context: grpc.ServicerContext) -> Fault | None:
        """The fault that strikes this change, if one does; a fault that stops the change ends the call here."""
        time.sleep(self._delay_s)
        fault = self._struck(method, subject)
        if fault is None:
            return None
        if is_retried(fault):
            time.sleep(_BACKOFF_S)
            return fault
        if fault in (Fault.CRASH, Fault.PARTIAL) or (
            method is Method.CREATE and fault in CREATED_ALL_THE_SAME.get(subject.type, ())
        ):
            return fault
        self._cloud.record(Call(method=method, type=subject.type, name=subject.name, id="", outcome=fault))
        context.abort(grpc.StatusCode.UNKNOWN, error_text(fault, subject, method))
        raise AssertionError

    def _struck(self, method: Method, subject: Subject) -> Fault | None:
        for number, injection in enumerate(self._faults):
            if injection.concerns(method, subject.type, subject.name) and injection.strikes(
                self._cloud.matched(number)
            ):
                return injection.fault
        return None

    def _after(self, method: Method, subject: Subject, id_: str, fault: Fault | None) -> None:
        """Remember the change; and die, where that is the fault: the cloud did its work, nobody will hear of it."""
        self._cloud.record(Call(method=method, type=subject.type, name=subject.name, id=id_, outcome=fault or "done"))
        if fault is Fault.CRASH:
            os._exit(_CRASHED)

    def _refuse(self, method: Method, subject: Subject, why: str, context: grpc.ServicerContext) -> None:
        self._cloud.record(Call(method=method, type=subject.type, name=subject.name, id="", outcome=why))
        context.abort(grpc.StatusCode.UNKNOWN, why)


def _stays_broken(type_: str) -> bool:
    """Whether an update leaves what did not come up as it is; Kubernetes waits for its objects once more."""
    return not type_.startswith("kubernetes:")


def version_of(package: str) -> str:
    """The locked version of a provider's SDK."""
    return importlib.metadata.version(f"pulumi-{package}")


def type_of(urn: str) -> str:
    """The resource's own type: the last of the chain in its URN."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's name in the program."""
    return urn.split("::", 3)[3]
