"""Rules on what pods may do to their node and to each other, and what they run: the security baseline of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Graph, Value
from components.rules.pods import Container, Pod, every_container, every_pod, pods
from components.rules.reading import (
    Mistake,
    inside,
    is_absent,
    is_off,
    is_unknown_or_absent,
    items,
    mapping,
    of_type,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import is_unknown, text, truth, whole

LEAST_HIGH_USER = 10_000
ROLES = ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "kubernetes:rbac.authorization.k8s.io/v1:Role")
BINDINGS = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
)
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def _host(pod: Pod) -> Iterator[Mistake]:
    yield from ((key, "is the node's own") for key in _HOST if truth(pod.spec.get(key)))


def _privileged(container: Container) -> Iterator[Mistake]:
    if truth(_context(container, "privileged")):
        yield "securityContext.privileged", "may do everything that the node may"


def _context(container: Container, key: str) -> Value:
    """A security setting: the container's own, else the pod's."""
    own = inside(container.value, "securityContext", key)
    return own if own is not None else inside(container.pod.spec.get("securityContext"), key)


def _escalates(container: Container) -> Iterator[Mistake]:
    allowed = inside(container.value, "securityContext", "allowPrivilegeEscalation")
    if not is_unknown(allowed) and allowed is not False:
        yield "securityContext.allowPrivilegeEscalation", f"is {shown(allowed)}"


def _drops(container: Container) -> Iterator[Mistake]:
    dropped = inside(container.value, "securityContext", "capabilities", "drop")
    if not is_unknown(dropped) and not any(is_unknown(one) or one == "ALL" for one in items(dropped)):
        yield "securityContext.capabilities.drop", f"is {shown(dropped)}"


def _adds(container: Container) -> Iterator[Mistake]:
    for place, one in enumerate(items(inside(container.value, "securityContext", "capabilities", "add"))):
        yield f"securityContext.capabilities.add[{place}]", f"{shown(one)} is given back to it"


def _root(container: Container) -> Iterator[Mistake]:
    non_root, user = _context(container, "runAsNonRoot"), _context(container, "runAsUser")
    if is_unknown(non_root) or is_unknown(user):
        return
    if whole(user) == 0 or (not truth(non_root) and user is None):
        yield "securityContext", "runs as root" if whole(user) == 0 else "may run as root, as its image says"


def _low_user(container: Container) -> Iterator[Mistake]:
    user = whole(_context(container, "runAsUser"))
    if user is not None and 0 < user < LEAST_HIGH_USER:
        yield "securityContext.runAsUser", f"is {user}, which may be somebody on the node"


def _seccomp(container: Container) -> Iterator[Mistake]:
    kind = inside(_context(container, "seccompProfile"), "type")
    if not is_unknown(kind) and kind not in ("RuntimeDefault", "Localhost"):
        yield "securityContext.seccompProfile", f"is {shown(kind)}"


def _writable_root(container: Container) -> Iterator[Mistake]:
    if is_off(inside(container.value, "securityContext", "readOnlyRootFilesystem")):
        yield "securityContext.readOnlyRootFilesystem", "is off: what breaks in may change the program"


def _token(graph: Graph) -> Iterator[Violation]:
    """Only whoever has permissions needs the token that proves them."""
    subjects = [stated(binding, "subjects") for binding in of_type(graph, *BINDINGS)]
    named = [_subject(one) for written in subjects for one in items(written)]
    if any(map(is_unknown, subjects)) or any(is_unknown(part) for subject in named for part in subject):
        return
    for pod in pods(graph):
        account = pod.spec.get("serviceAccountName")
        mounted = pod.spec.get("automountServiceAccountToken")
        unread = is_unknown(mounted) or is_unknown(account) or pod.namespace is None
        if not unread and mounted is not False and (pod.namespace, account) not in named:
            where = f"{pod.path}.automountServiceAccountToken"
            what = f"is {shown(mounted)}, but nothing binds a role to its account"
            yield Violation(urn=pod.resource.urn, path=where, text=what)


def _subject(value: Value) -> tuple[Value, Value]:
    return inside(value, "namespace"), inside(value, "name")


def _account(pod: Pod) -> Iterator[Mistake]:
    account = pod.spec.get("serviceAccountName")
    if is_absent(account) or account == "default":
        yield "serviceAccountName", "is that of everything else in its namespace"


def _requests(container: Container) -> Iterator[Mistake]:
    resources = container.value.get("resources")
    requests, limits = inside(resources, "requests"), inside(resources, "limits")
    if is_unknown(resources) or is_unknown(requests) or is_unknown(limits):
        return
    asked = {**mapping(limits), **mapping(requests)}  # where no request is stated, the limit is one
    missing = [what for what in ("cpu", "memory") if is_absent(asked.get(what))]
    if missing:
        yield "resources.requests", f"state no {' and '.join(missing)}"
    if is_absent(mapping(limits).get("memory")):
        yield "resources.limits", "state no memory"


def tag_mistakes(image: str) -> Iterator[str]:
    """Why an image's name does not say which version it is."""
    name, _, tag = image.rpartition("/")[2].partition(":")
    if "@sha256:" not in image and (not name or tag in ("", "latest")):
        yield f"{image or 'no name'} is another image tomorrow"


def _tag(container: Container) -> Iterator[Mistake]:
    image = text(container.value.get("image"))
    if image is not None:
        yield from (("image", what) for what in tag_mistakes(image))


def _digest(container: Container) -> Iterator[Mistake]:
    image = text(container.value.get("image"))
    if (
        image is not None
        and "@sha256:" not in image
        and image.rpartition("/")[2].partition(":")[2] not in ("", "latest")
    ):
        yield "image", f"{image} is what its publisher last called so"


def _always(container: Container) -> Iterator[Mistake]:
    if container.value.get("imagePullPolicy") == "Always":
        yield "imagePullPolicy", "is Always: each start asks the registry, and fails without it"


def _namespace(pod: Pod) -> Iterator[Mistake]:
    if pod.namespace == "default":
        yield "", "is in the namespace of everything that names none"


def _environment_secret(container: Container) -> Iterator[Mistake]:
    for place, variable in enumerate(items(container.value.get("env"))):
        if not is_unknown_or_absent(inside(variable, "valueFrom", "secretKeyRef")):
            yield f"env[{place}]", f"{shown(inside(variable, 'name'))} is a secret in the environment"


def _wildcards(graph: Graph) -> Iterator[Violation]:
    for role in of_type(graph, *ROLES):
        for place, rule in enumerate(items(stated(role, "rules"))):
            wide = [key for key in ("apiGroups", "resources", "verbs") if "*" in items(inside(rule, key))]
            if wide:
                what = f"everything of {', '.join(wide)}"
                yield Violation(urn=role.urn, path=f"rules[{place}]", text=what)


RULES: tuple[Rule, ...] = (
    Rule(
        id="pod-host-namespaces",
        severity=Severity.ERROR,
        title="Pods have a network, processes and shared memory of their own",
        why="they see and reach what runs on the node, past every network policy",
        mend="remove hostNetwork, hostPID and hostIPC",
        origin="checkov CKV_K8S_17, 18, 19; production-stack with LMCache sets hostIPC and hostPID",
        check=every_pod(_host),
    ),
    Rule(
        id="pod-privileged",
        severity=Severity.ERROR,
        title="No container is privileged",
        why="it owns the node, and with it every pod there",
        mend="give the one capability or device that it needs",
        origin="checkov CKV_K8S_16",
        check=every_container(_privileged),
    ),
    Rule(
        id="pod-escalation",
        severity=Severity.ERROR,
        title="No process gets more rights than its parent",
        why="one setuid program in the image makes it root",
        mend="set allow_privilege_escalation=False",
        origin="checkov CKV_K8S_20",
        check=every_container(_escalates),
    ),
    Rule(
        id="pod-capabilities-dropped",
        severity=Severity.WARNING,
        title="Containers drop all capabilities",
        why="root's rights in pieces, which none of them needs",
        mend='set capabilities drop=["ALL"]',
        origin="checkov CKV_K8S_28, 37",
        check=every_container(_drops),
    ),
    Rule(
        id="pod-capabilities-added",
        severity=Severity.WARNING,
        title="No capability is given back, or the reason is written down",
        why="RDMA needs IPC_LOCK, and nothing else needs anything: each exception has to be seen",
        mend="remove it, or waive it with the reason",
        origin="checkov CKV_K8S_25, 39; llm-d adds IPC_LOCK and SYS_RAWIO",
        check=every_container(_adds),
    ),
    Rule(
        id="pod-non-root",
        severity=Severity.ERROR,
        title="Containers do not run as root",
        why="whoever breaks out of one is root on the node",
        mend="set run_as_non_root=True and a user",
        origin="checkov CKV_K8S_23",
        check=every_container(_root),
    ),
    Rule(
        id="pod-high-user",
        severity=Severity.WARNING,
        title="Containers run as a user that no node has",
        why="files of the node's own user of that number are theirs",
        mend=f"set run_as_user to {LEAST_HIGH_USER} or more",
        origin="checkov CKV_K8S_40",
        check=every_container(_low_user),
    ),
    Rule(
        id="pod-seccomp",
        severity=Severity.WARNING,
        title="Containers use the runtime's seccomp profile",
        why="every system call of the kernel is open to them",
        mend='set seccomp_profile type="RuntimeDefault"',
        origin="checkov CKV_K8S_31",
        check=every_container(_seccomp),
    ),
    Rule(
        id="pod-read-only-root",
        severity=Severity.WARNING,
        title="The root file system of containers is read-only",
        why="what breaks in can change the program and stay",
        mend="set read_only_root_filesystem=True, and mount what is written",
        origin="checkov CKV_K8S_22; compliance-policies enableReadOnlyRootFilesystem",
        check=every_container(_writable_root),
    ),
    Rule(
        id="pod-token",
        severity=Severity.WARNING,
        title="Pods without permissions get no token for the Kubernetes API",
        why="a token that nobody needs is one that somebody finds",
        mend="set automount_service_account_token=False",
        origin="checkov CKV_K8S_38",
        check=_token,
    ),
    Rule(
        id="pod-account",
        severity=Severity.WARNING,
        title="Pods have a service account of their own",
        why="what the default account is allowed once, everything in the namespace may",
        mend="set service_account_name",
        origin="checkov CKV_K8S_41",
        check=every_pod(_account),
    ),
    Rule(
        id="pod-resources",
        severity=Severity.WARNING,
        title="Containers state processor time, memory and a limit of memory",
        why="one that grows takes its neighbours' memory, and the node with it",
        mend="set resources requests and limits",
        origin="checkov CKV_K8S_10, 12, 13; 11, a limit of processor time, is left out: it throttles in bursts",
        check=every_container(_requests),
    ),
    Rule(
        id="image-tag",
        severity=Severity.ERROR,
        title="Images have a version",
        why="the next replica runs another program than the last",
        mend="name the version, and best its digest",
        origin="checkov CKV_K8S_14; production-stack: latest",
        check=every_container(_tag),
    ),
    Rule(
        id="image-digest",
        severity=Severity.WARNING,
        title="Images are named by their digest",
        why="a tag can be pushed again",
        mend="append @sha256:... of the image",
        origin="checkov CKV_K8S_43",
        check=every_container(_digest),
    ),
    Rule(
        id="image-pull-policy",
        severity=Severity.WARNING,
        title="An image with a version is pulled once",
        why="replicas cannot start while the registry cannot be reached, and ask it at every start",
        mend='set image_pull_policy="IfNotPresent"',
        origin="production-stack: Always; against checkov CKV_K8S_15, which is for tags that move",
        check=every_container(_always),
    ),
    Rule(
        id="pod-namespace",
        severity=Severity.WARNING,
        title="Pods are in a namespace of their own",
        why="policies and accounts of the default namespace are everybody's",
        mend="set metadata.namespace",
        origin="checkov CKV_K8S_21",
        check=every_pod(_namespace),
    ),
    Rule(
        id="pod-secret-files",
        severity=Severity.WARNING,
        title="Secrets come as files",
        why="an environment is copied to every child process, and into crash reports",
        mend="mount the Secret",
        origin="checkov CKV_K8S_35",
        check=every_container(_environment_secret),
    ),
    Rule(
        id="rbac-wildcard",
        severity=Severity.ERROR,
        title="No role is allowed everything",
        why="whoever holds its token owns the cluster",
        mend="name groups, resources and verbs",
        origin="checkov CKV_K8S_49",
        check=_wildcards,
    ),
)
