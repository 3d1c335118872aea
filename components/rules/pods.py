"""Pods of a graph as rules read them, whatever object makes them: their specification and containers. Knows no rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.graph import Graph, Resource, Value
from components.rules.reading import Mistake, inside, items, mapping, stated
from components.rules.rule import Violation
from components.surroundings import is_unknown, text, texts

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
POD_TEMPLATES: Mapping[str, tuple[str, ...]] = {  # where the template of a pod stands
    DEPLOYMENT: ("spec", "template"),
    "kubernetes:apps/v1:DaemonSet": ("spec", "template"),
    "kubernetes:apps/v1:ReplicaSet": ("spec", "template"),
    "kubernetes:apps/v1:StatefulSet": ("spec", "template"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template"),
    "kubernetes:batch/v1:Job": ("spec", "template"),
    "kubernetes:core/v1:Pod": (),
}
ACCELERATORS = ("nvidia.com/gpu", "aws.amazon.com/neuron", "google.com/tpu")
EFA = "vpc.amazonaws.com/efa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The pods that one object makes."""

    resource: Resource
    metadata: Value
    spec: dict[str, Value]
    path: str  # of the specification in the object's inputs

    @property
    def namespace(self) -> str | None:
        """Namespace of the object; None where not known."""
        return namespace_of(self.resource)

    @property
    def labels(self) -> Mapping[str, Value]:
        """Labels of the pods."""
        return mapping(inside(self.metadata, "labels"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod."""

    value: dict[str, Value]
    path: str
    pod: Pod
    initial: bool = False  # runs and ends before the others start

    @property
    def words(self) -> tuple[str, ...]:
        """Command and arguments, those that are known."""
        return (*texts(self.value.get("command")), *texts(self.value.get("args")))

    @property
    def all_words_known(self) -> bool:
        """Whether nothing of command and arguments is left to be known."""
        parts = [self.value.get("command"), self.value.get("args")]
        return not any(is_unknown(part) or any(map(is_unknown, items(part))) for part in parts)

    @property
    def accelerators(self) -> Mapping[str, Value]:
        """The accelerators that it asks for, by resource."""
        limits = mapping(inside(self.value, "resources", "limits"))
        requests = mapping(inside(self.value, "resources", "requests"))
        return {key: value for key, value in {**requests, **limits}.items() if key in ACCELERATORS}

    def option(self, name: str) -> str | None:
        """The value of a command-line option: `--name value` or `--name=value`; None where it is not given."""
        for place, word in enumerate(self.words):
            if word == name:
                return self.words[place + 1] if place + 1 < len(self.words) else ""
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return None

    def variable(self, name: str) -> Value:
        """The environment variable of that name, as it is written; None without."""
        return next((one for one in items(self.value.get("env")) if inside(one, "name") == name), None)


def namespace_of(resource: Resource) -> str | None:
    """Namespace of an object; Kubernetes takes `default` where none is stated. None where not known."""
    written = stated(resource, "metadata", "namespace")
    return None if is_unknown(written) else text(written) or "default"


def pods(graph: Graph) -> Iterator[Pod]:
    """Everything in *graph* that makes pods."""
    made = (pod_of(resource) for resource in graph.resources if not resource.external)
    return (pod for pod in made if pod is not None)


def pod_of(resource: Resource) -> Pod | None:
    """The pods that *resource* makes; None where it makes none, or they are not known."""
    where = POD_TEMPLATES.get(resource.type)
    spec = stated(resource, *where, "spec") if where is not None else None
    if where is None or not isinstance(spec, dict):
        return None
    return Pod(
        resource=resource, metadata=stated(resource, *where, "metadata"), spec=spec, path=".".join((*where, "spec"))
    )


def containers(pod: Pod) -> Sequence[Container]:
    """The containers of a pod, those that run first included."""
    return [
        Container(value=one, path=f"{pod.path}.{key}[{place}]", pod=pod, initial=key == "initContainers")
        for key in ("initContainers", "containers")
        for place, one in enumerate(items(pod.spec.get(key)))
        if isinstance(one, dict)
    ]


def is_model_server(container: Container) -> bool:
    """Whether a container serves a model: it holds accelerators, and the object keeps it running."""
    return (
        bool(container.accelerators)
        and not container.initial
        and container.pod.resource.type in {DEPLOYMENT, "kubernetes:apps/v1:StatefulSet"}
    )


def every_pod(test: Callable[[Pod], Iterator[Mistake]]) -> Callable[[Graph], Iterator[Violation]]:
    """A check of every pod by itself; paths are below the pod's specification."""

    def check(graph: Graph) -> Iterator[Violation]:
        for pod in pods(graph):
            for path, what in test(pod):
                yield Violation(urn=pod.resource.urn, path=f"{pod.path}.{path}" if path else pod.path, text=what)

    return check


def every_container(test: Callable[[Container], Iterator[Mistake]]) -> Callable[[Graph], Iterator[Violation]]:
    """A check of every container by itself; paths are below the container."""

    def check(graph: Graph) -> Iterator[Violation]:
        for pod in pods(graph):
            for container in containers(pod):
                for path, what in test(container):
                    where = f"{container.path}.{path}" if path else container.path
                    yield Violation(urn=pod.resource.urn, path=where, text=f"{_name(container)}: {what}")

    return check


def every_server(test: Callable[[Container], Iterator[Mistake]]) -> Callable[[Graph], Iterator[Violation]]:
    """A check of every container that serves a model; paths are below the container."""
    return every_container(lambda container: test(container) if is_model_server(container) else iter(()))


def _name(container: Container) -> str:
    return text(container.value.get("name")) or "container"
