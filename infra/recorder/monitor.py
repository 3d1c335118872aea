"""The resource monitor and the engine, as a program under preview sees them: they record, and create nothing.

Features are offered by allow-list: what is not named in OFFERED is not implemented here, and the SDK is told so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from components.graph import Resource, Secret, Unknown, Value
from infra.recorder import sdk
from infra.recorder.answers import Answer
from infra.recorder.config import Config
from infra.recorder.errors import DuplicateResource, NotAnswerableOffline
from infra.recorder.options import inherited, with_options, with_provider_of
from infra.recorder.positions import position, project_file
from infra.recorder.providers import default_provider, is_provider, package_of
from infra.recorder.timeouts import UnreadableTimeout
from infra.recorder.transforms import Transforms
from infra.recorder.urns import ROOT_TYPE, child_urn
from infra.recorder.wire import UNKNOWN, decoded_struct, encoded_struct
from sizing.errors import SizingError

OFFERED = (
    "SECRETS",
    "RESOURCE_REFERENCES",
    "ALIAS_SPECS",
    "DELETED_WITH",
    "REPLACE_WITH",
    "REPLACEMENT_TRIGGER",
    "TRANSFORMS",
    "INVOKE_TRANSFORMS",
    "PARAMETERIZATION",
    "RESOURCE_HOOKS",  # taken and not run: a hook acts, and a preview does not
    "ERROR_HOOKS",
)
STACK_REFERENCE = "pulumi:pulumi:StackReference"
GET_RESOURCE = "pulumi:pulumi:getResource"
NO_SYNC = "use the output form ({output}), or take the value from the plan or the stack's settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a monitor has to know about the run it serves."""

    project: str
    stack: str
    organization: str
    root: Path
    config: Config
    answer: Callable[[Resource], Answer]
    stack_outputs: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)  # of referenced stacks, by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that the program logged."""

    severity: str  # info, warning, error
    text: str
    urn: str


class EngineLog(sdk.engine_pb2_grpc.EngineServicer):
    """The engine's side of logging; keeps what the program says, except debug noise."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self.messages: list[Message] = []
        self._root = ""

    def Log(self, request: Any, _context: object = None) -> object:  # noqa: N802  protocol name
        """Keep one message."""
        severity = sdk.engine_pb2.LogSeverity.Name(request.severity).lower()
        if severity != "debug":
            self.messages.append(Message(severity=severity, text=request.message, urn=request.urn))
        return sdk.empty_pb2.Empty()

    def GetRootResource(self, _request: object, _context: object = None) -> object:  # noqa: N802
        """The stack, once the program registered it."""
        return sdk.engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Keep the stack's URN."""
        self._root = request.urn
        return sdk.engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, _request: object, _context: object = None) -> object:  # noqa: N802
        """Any engine version is fine for a recording."""
        return sdk.engine_pb2.RequirePulumiVersionResponse()


class Monitor(sdk.resource_pb2_grpc.ResourceMonitorServicer):
    """Records every registration of one run. Methods may be called from many threads at once."""

    def __init__(self, run: Run) -> None:
        """Nothing is registered yet."""
        self._run = run
        self._lock = threading.RLock()
        self._transforms = Transforms()
        self._stack_transforms: list[sdk.callback_pb2.Callback] = []
        self._invoke_transforms: list[sdk.callback_pb2.Callback] = []
        self._requests: dict[str, Any] = {}  # of every registration, as its transforms left it
        self._packages: dict[str, tuple[str, str, str]] = {}  # reference -> name, version, download URL
        self.resources: dict[str, Resource] = {}
        self.outputs: Mapping[str, Value] = {}
        self.failure: Exception | None = None  # the first that ended a call

    def close(self) -> None:
        """End the connections that transforms opened."""
        self._transforms.close()

    # What the SDK asks before and after the program runs.

    def GetDeploymentInfo(self, _request: object, _context: object = None) -> object:  # noqa: N802  protocol names
        """Names and features of this run; the program's configuration reaches it in-process."""
        known = sdk.resource_pb2.ResourceMonitorFeature.keys()
        return sdk.resource_pb2.DeploymentInfo(
            project=self._run.project,
            stack=self._run.stack,
            organization=self._run.organization,
            dryRun=True,
            supportedFeatures=[
                sdk.resource_pb2.ResourceMonitorFeature.Value(f"RESOURCE_MONITOR_FEATURE_{name}")
                for name in OFFERED
                if f"RESOURCE_MONITOR_FEATURE_{name}" in known
            ],
        )

    def SupportsFeature(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """The same allow-list, by the names that older SDKs ask with."""
        asked = "".join(f"_{letter}" if letter.isupper() else letter for letter in request.id).upper()
        return sdk.resource_pb2.SupportsFeatureResponse(hasSupport=asked in OFFERED)

    def SignalAndWaitForShutdown(self, _request: object, _context: object = None) -> object:  # noqa: N802
        """Nothing to wait for."""
        return sdk.empty_pb2.Empty()

    def RegisterStackTransform(self, request: sdk.callback_pb2.Callback, _context: object = None) -> object:  # noqa: N802
        """Keep a transform of every resource that follows."""
        with self._lock:
            self._stack_transforms.append(request)
        return sdk.empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Keep a transform of every call to a provider's function."""
        with self._lock:
            self._invoke_transforms.append(request)
        return sdk.empty_pb2.Empty()

    def RegisterResourceHook(self, _request: object, _context: object = None) -> object:  # noqa: N802
        """Take it; see OFFERED."""
        return sdk.empty_pb2.Empty()

    def RegisterErrorHook(self, _request: object, _context: object = None) -> object:  # noqa: N802
        """Take it; see OFFERED."""
        return sdk.empty_pb2.Empty()

    def RegisterPackage(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """A reference to a package; a parameterised one keeps its own name and version."""
        own = request.parameterization if request.HasField("parameterization") else request
        reference = f"{own.name}@{own.version}"
        with self._lock:
            self._packages[reference] = (own.name, own.version, request.download_url)
        return sdk.resource_pb2.RegisterPackageResponse(ref=reference)

    # Resources.

    def RegisterResource(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Record one resource and answer as a preview would."""
        if request.remote:
            self._refuse(
                NotAnswerableOffline(
                    what=f"the multi-language component {request.type} ({request.name!r})",
                    where=position(request, root=self._run.root),
                    mend="its resources are made by a plugin; write the component in this program's language",
                )
            )
        if request.type != ROOT_TYPE:
            request = self._transformed(request)
        resource = self._resource(request)
        with self._lock:
            self._requests[resource.urn] = request
        answer = self._run.answer(resource)
        outputs = dict(answer.outputs)
        for key in request.additionalSecretOutputs:
            known = outputs.get(key, Unknown())
            outputs[key] = known if isinstance(known, Secret) else Secret(known)
        return sdk.resource_pb2.RegisterResourceResponse(urn=resource.urn, id=answer.id, object=encoded_struct(outputs))

    def ReadResource(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Record a resource that is looked up; what the cloud would tell about it is unknown."""
        resource = self._resource(request, external=True)
        answer = self._run.answer(resource)
        outputs = answer.outputs if answer.id else resource.inputs
        if request.type == STACK_REFERENCE and (request.id in self._run.stack_outputs or not answer.id):
            outputs = self._stack_reference(request.id)
        return sdk.read_response(
            urn=resource.urn, id="" if UNKNOWN in request.id else request.id, properties=encoded_struct(outputs)
        )

    def RegisterResourceOutputs(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Keep the stack's outputs; those of components change nothing in a preview."""
        with self._lock:
            resource = self.resources.get(request.urn)
            if resource is not None and resource.type == ROOT_TYPE:
                self.outputs = decoded_struct(request.outputs, root=self._run.root)
        return sdk.empty_pb2.Empty()

    # Questions to the cloud.

    def Invoke(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Unknown, in the output form; refused in the form that waits for the answer."""
        if request.tok == GET_RESOURCE:
            return sdk.resource_pb2.ResourceInvokeResponse(unknown=True)
        called_at = sdk.sync_invoke_position(request.tok)
        if called_at is not None:
            file, line = called_at
            function = request.tok.rpartition(":")[2]
            self._refuse(
                NotAnswerableOffline(
                    what=f"the call {request.tok}",
                    where=f"{project_file(file, root=self._run.root) or file}:{line}",
                    mend=NO_SYNC.format(output=f"{_snake(function)}_output"),
                )
            )
        with self._lock:
            callbacks = tuple(self._invoke_transforms)
        self._provider(self._transforms.invoked(request, callbacks), package_of(request.tok))
        return sdk.resource_pb2.ResourceInvokeResponse(unknown=True)

    def Call(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Methods of multi-language components live in plugins."""
        self._refuse(
            NotAnswerableOffline(
                what=f"the method {request.tok}", where=None, mend="compute the value in this program instead"
            )
        )

    def ExistsResource(self, request: Any, _context: object = None) -> object:  # noqa: N802
        """Whether something exists is for the cloud to say."""
        self._refuse(
            NotAnswerableOffline(
                what=f"whether {request.type} {request.id!r} exists",
                where=None,
                mend="say in the stack's settings whether it does",
            )
        )

    def _refuse(self, error: SizingError) -> NoReturn:
        with self._lock:
            self.failure = self.failure or error
        raise error

    def _stack_reference(self, name: str) -> dict[str, Value]:
        outputs = self._run.stack_outputs.get(name)
        if outputs is None:
            return {"name": name, "outputs": Unknown(), "secretOutputNames": Unknown()}
        secret: list[Value] = [key for key, value in sorted(outputs.items()) if _holds_secret(value)]
        return {"name": name, "outputs": dict(outputs), "secretOutputNames": secret}

    def _transformed(self, request: Any) -> Any:
        """*request* with what its parents say, after the transforms: its own, its parents' and the stack's."""
        with self._lock:
            parent = above = self._requests.get(request.parent)
            callbacks = list(request.transforms)
            while above is not None:
                callbacks += above.transforms
                above = self._requests.get(above.parent)
            callbacks += self._stack_transforms
        if parent is not None:
            request = inherited(request, parent)
        return self._transforms.applied(with_provider_of(request), callbacks)

    def _resource(self, request: Any, *, external: bool = False) -> Resource:
        """The graph value of a registration or read, recorded."""
        parent, custom = request.parent or None, external or request.custom
        has_provider = custom and not is_provider(request.type)
        urn = child_urn(
            stack=self._run.stack, project=self._run.project, parent=parent, type_=request.type, name=request.name
        )
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=custom,
            parent=parent,
            provider=self._provider(request, package_of(request.type)) if has_provider else None,
            inputs=decoded_struct(request.properties if external else request.object, root=self._run.root),
            dependencies=tuple(sorted(request.dependencies)),
            external=external,
            import_id=request.id if external else request.importId,
            source_position=position(request, root=self._run.root),
        )
        if is_provider(request.type) and request.version and "version" not in resource.inputs:
            resource = replace(resource, inputs={**resource.inputs, "version": request.version})
        if not external:
            try:
                resource = with_options(resource, request, parent=self.resources.get(parent or ""))
            except UnreadableTimeout as error:
                self._refuse(error)
        self._record(resource)
        return resource

    def _provider(self, request: Any, package: str) -> str:
        """URN of the provider that serves *request*; a default one is made where the program names none."""
        if request.provider:
            return str(request.provider).rpartition("::")[0]
        package, version, url = self._packages.get(
            request.packageRef, (package, request.version, request.pluginDownloadURL)
        )
        provider = default_provider(
            project=self._run.project,
            stack=self._run.stack,
            package=package,
            version=version,
            download_url=url,
            config=self._run.config,
        )
        with self._lock:
            if provider.urn not in self.resources:
                self.resources[provider.urn] = provider
                self._run.answer(provider)
        return provider.urn

    def _record(self, resource: Resource) -> None:
        with self._lock:
            earlier = self.resources.get(resource.urn)
            if earlier is not None:
                self._refuse(
                    DuplicateResource(urn=resource.urn, first=earlier.source_position, second=resource.source_position)
                )
            self.resources[resource.urn] = resource


def _holds_secret(value: Value) -> bool:
    match value:
        case Secret():
            return True
        case list():
            return any(map(_holds_secret, value))
        case dict():
            return any(map(_holds_secret, value.values()))
        case _:
            return False


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
