"""Rules on inference servers: starting, being ready, draining, memory, where their model comes from, who may call."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Graph
from components.rules.model_servers import (
    budget_s,
    engine_of,
    in_memory,
    is_on_the_hub,
    least_weight_bytes,
    model_of,
    ranks,
    shared_memory_bytes,
    streaming_buffer_bytes,
)
from components.rules.pods import Container, Pod, every_container, every_pod, every_server, is_model_server, pods
from components.rules.pools import asked, pods_with_pools, quantity, server_of
from components.rules.reading import Mistake, inside, is_absent, is_unknown_or_absent, items, shown, stated
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import is_unknown, whole
from sizing.units import GIB

COMPILE_AND_WARM_UP_S = 195  # of a 27B model on one A100: KAITO#2325
LEAST_BUDGET_S = 300
LEAST_BUDGET_ON_TPU_S = 3600  # llm-d guides/optimized-baseline, TPU v6: 120 probes of 30 s
DEFAULT_GRACE_S = 30
DEFAULT_DEADLINE_S = 600
HUB_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")
API_KEYS = ("VLLM_API_KEY", "SGLANG_API_KEY")
MODEL_PATHS = ("/v1/models", "/health_generate", "/ready")


def _starts(container: Container) -> Iterator[Mistake]:
    if is_absent(container.value.get("startupProbe")):
        yield "startupProbe", "has none, so the liveness probe counts from the first second"


def _budget(graph: Graph) -> Iterator[Violation]:
    """Nobody is killed while its weights load."""
    networks = {pod.resource.urn: [p.machine for p in found] for pod, found in pods_with_pools(graph, pods(graph))}
    for pod in pods(graph):
        server = server_of(pod)
        probe = server.value.get("startupProbe") if server is not None else None
        allowed = budget_s(probe)
        if server is None or not is_model_server(server) or is_unknown_or_absent(probe) or allowed is None:
            continue
        rates = [one.network_bytes_per_s for one in networks.get(pod.resource.urn, []) if one is not None]
        needed, why = _needed_s(server, min((rate for rate in rates if rate), default=None))
        if allowed < needed:
            path = f"{server.path}.startupProbe"
            yield Violation(urn=pod.resource.urn, path=path, text=f"gives up after {allowed:.0f} s; {why}")


def _needed_s(server: Container, network_bytes_per_s: float | None) -> tuple[float, str]:
    if "google.com/tpu" in server.accelerators:
        return LEAST_BUDGET_ON_TPU_S, f"compiling for TPU takes up to {LEAST_BUDGET_ON_TPU_S} s"
    weights = least_weight_bytes(server)
    if weights is None or network_bytes_per_s is None:
        return LEAST_BUDGET_S, f"{LEAST_BUDGET_S} s is the least for weights, compiling and warming up"
    needed = max(LEAST_BUDGET_S, weights / network_bytes_per_s + COMPILE_AND_WARM_UP_S)
    return needed, f"{weights / 1e9:.0f} GB of weights, compiling and warming up take {needed:.0f} s at least"


def _deadline(graph: Graph) -> Iterator[Violation]:
    for pod in pods(graph):
        server = server_of(pod)
        probe = server.value.get("startupProbe") if server is not None else None
        deadline = stated(pod.resource, "spec", "progressDeadlineSeconds")
        allowed = None if is_unknown_or_absent(probe) else budget_s(probe)
        limit = DEFAULT_DEADLINE_S if deadline is None else whole(deadline)
        if pod.resource.type.endswith(":Deployment") and allowed is not None and limit is not None and limit <= allowed:
            what = f"{limit} s, but a replica may take {allowed:.0f} s to start"
            yield Violation(urn=pod.resource.urn, path="spec.progressDeadlineSeconds", text=what)


def _ready(container: Container) -> Iterator[Mistake]:
    probe = container.value.get("readinessProbe")
    path = inside(probe, "httpGet", "path")
    if is_absent(probe):
        yield "readinessProbe", "has none, so requests come before the model is loaded"
    elif path == "/health" and not _may_have_key(container):
        yield "readinessProbe.httpGet.path", "is /health, which fails only when the engine is dead"


def _drains(container: Container) -> Iterator[Mistake]:
    """Waiting, draining and ending fit into the time that a pod is given to end."""
    timeout = container.option("--shutdown-timeout")
    grace = container.pod.spec.get("terminationGracePeriodSeconds")
    waits = inside(container.value, "lifecycle", "preStop", "sleep", "seconds")
    given, before = DEFAULT_GRACE_S if grace is None else whole(grace), 0 if waits is None else whole(waits)
    if timeout is None or not timeout.isdigit() or given is None or before is None:
        return
    if given <= before + int(timeout):
        yield "lifecycle", f"is killed after {given} s, but waits {before} s and drains for {timeout} s"


def _aborts(container: Container) -> Iterator[Mistake]:
    if engine_of(container) == "vllm" and container.all_words_known and container.words:
        timeout = container.option("--shutdown-timeout")
        if timeout in (None, "0"):
            yield "args", "states no --shutdown-timeout: SIGTERM ends every request in flight"


def _leaves_lists(container: Container) -> Iterator[Mistake]:
    if is_absent(inside(container.value, "lifecycle", "preStop")):
        yield "lifecycle", "stops taking requests before proxies have taken it off their lists"


def _in_memory(pod: Pod) -> Iterator[Mistake]:
    """A volume in memory counts as the pod's memory."""
    volumes = items(pod.spec.get("volumes"))
    for place, volume in enumerate(volumes):
        if in_memory(volume) and is_absent(inside(volume, "emptyDir", "sizeLimit")):
            yield f"volumes[{place}].emptyDir", "is memory without a limit: half of the node's"
    server = server_of(pod)
    limit = quantity(inside(server.value, "resources", "limits", "memory")) if server is not None else None
    taken = shared_memory_bytes(server) if server is not None else None
    if limit is not None and taken is not None and taken >= limit:
        yield "volumes", f"volumes in memory take {taken / GIB:.0f} GiB, all of the {limit / GIB:.0f} that the pod may"


def _shared_memory(container: Container) -> Iterator[Mistake]:
    mounts = container.value.get("volumeMounts")
    paths = [inside(one, "mountPath") for one in items(mounts)]
    unread = is_unknown(mounts) or any(map(is_unknown, paths))
    if ranks(container) > 1 and "/dev/shm" not in paths and not unread:  # noqa: S108  the path that pods have
        yield "volumeMounts", f"{ranks(container)} ranks share the 64 MiB of /dev/shm that a container gets"


def _stages(container: Container) -> Iterator[Mistake]:
    """Weights go through memory on their way to the accelerators."""
    limit = asked(container, "memory")
    shared = shared_memory_bytes(container)
    if container.option("--load-format") != "runai_streamer" or limit is None or shared is None:
        return
    buffer = streaming_buffer_bytes(container)
    streamed = least_weight_bytes(container) if buffer is None else float(buffer * ranks(container))
    if streamed is not None and streamed + shared > limit:
        said = f"{streamed / GIB:.0f} GiB for streaming and {shared / GIB:.0f} shared"
        yield "resources.limits.memory", f"is {limit / GIB:.0f} GiB, less than {said}"


def _foreign_code(container: Container) -> Iterator[Mistake]:
    if "--trust-remote-code" in container.words:
        yield "args", "--trust-remote-code runs whatever the model's repository holds"


def _revision(container: Container) -> Iterator[Mistake]:
    model = model_of(container)
    if model is not None and is_on_the_hub(model) and container.all_words_known and not container.option("--revision"):
        yield "args", f"{model} without --revision: other weights tomorrow"


def _asks_for_a_key(container: Container) -> Iterator[Mistake]:
    in_words = container.option("--api-key") is not None
    if engine_of(container) and container.all_words_known and not (in_words or _may_have_key(container)):
        yield "env", "whoever reaches the network may call the model"


def _may_have_key(container: Container) -> bool:
    """Whether a variable holds a key, or one may whose name is not known."""
    env = container.value.get("env")
    names = [inside(one, "name") for one in items(env)]
    return is_unknown(env) or any(is_unknown(name) or name in API_KEYS for name in names)


def _key_in_words(container: Container) -> Iterator[Mistake]:
    if container.option("--api-key") is not None:
        yield "args", "--api-key stands in the pod's specification, for everybody to read"


def _hub_token(container: Container) -> Iterator[Mistake]:
    for place, variable in enumerate(items(container.value.get("env"))):
        name = inside(variable, "name")
        if name in HUB_TOKENS:
            written = not is_unknown_or_absent(inside(variable, "value"))
            what = "is written into the pod's specification" if written else "is handed over in the environment"
            yield f"env[{place}]", f"{shown(name)} {what}; a file can be read by the server alone"


def _listens(container: Container) -> Iterator[Mistake]:
    if engine_of(container) == "sglang" and container.all_words_known:
        host = container.option("--host")
        if host in (None, "127.0.0.1", "localhost"):
            yield "args", f"--host is {host or 'not stated'}: SGLang answers nobody outside of its pod"


RULES: tuple[Rule, ...] = (
    Rule(
        id="server-startup-probe",
        severity=Severity.ERROR,
        title="An inference server has a startup probe",
        why="it is killed while it loads its weights, and starts anew, for ever",
        mend="add startup_probe with a budget worked out from the weights",
        origin="llm-d-benchmark#83; production-stack, accelerated-platforms",
        check=every_server(_starts),
    ),
    Rule(
        id="server-startup-budget",
        severity=Severity.ERROR,
        title="The startup probe lasts as long as loading, compiling and warming up take at least",
        why="a replica that would have come up is killed, and starts anew, for ever",
        mend="raise failure_threshold",
        origin="KAITO#2325 (195 s of compile and warm-up); llm-d TPU guide (1 h); llm-d-benchmark#83",
        check=_budget,
    ),
    Rule(
        id="server-progress-deadline",
        severity=Severity.WARNING,
        title="A rollout is given more time than a replica may take to start",
        why="Pulumi reports a failed update while the replica is still loading",
        mend="set progress_deadline_seconds above the startup budget",
        origin="Kubernetes Deployment: 600 s by default",
        check=_deadline,
    ),
    Rule(
        id="server-readiness",
        severity=Severity.WARNING,
        title="A server counts as ready when it serves its model",
        why="requests fail while the model is not loaded",
        mend="probe /v1/models",
        origin="llm-d manifests; vLLM /health answers 503 only on a dead engine",
        check=every_server(_ready),
    ),
    Rule(
        id="server-drain-time",
        severity=Severity.ERROR,
        title="A pod is given more time to end than it waits and drains",
        why="answers are cut off in the middle at each rollout",
        mend="termination grace > preStop + --shutdown-timeout",
        origin="vLLM PR #43208; kserve PR #5485, #5496; llm-d 300/330 s",
        check=every_server(_drains),
    ),
    Rule(
        id="server-shutdown-timeout",
        severity=Severity.WARNING,
        title="vLLM is told how long requests in flight may still take",
        why="the default is 0: at SIGTERM every answer is cut off",
        mend="pass --shutdown-timeout with the 99th percentile of request time",
        origin="vLLM 0.33.0 engine arguments; vllm-project/vllm#34730",
        check=every_server(_aborts),
    ),
    Rule(
        id="server-pre-stop",
        severity=Severity.WARNING,
        title="A server waits before it stops taking requests",
        why="proxies send requests to a pod that has gone, until they learn of it",
        mend="add a preStop sleep of 15 s",
        origin="kserve PR #5485; missing from production-stack",
        check=every_server(_leaves_lists),
    ),
    Rule(
        id="memory-volumes",
        severity=Severity.ERROR,
        title="Volumes in memory have a limit, and leave memory to the container",
        why="they count against the pod's memory: the server is killed when they fill",
        mend="set size_limit, and count it in the memory limit",
        origin="llm-d manifests: 20 GiB, 100 GiB on TPU",
        check=every_pod(_in_memory),
    ),
    Rule(
        id="server-shared-memory",
        severity=Severity.WARNING,
        title="A server of several ranks has shared memory of its own",
        why="NCCL and the engine's workers run out of the 64 MiB that a container gets",
        mend="mount an emptyDir of medium Memory at /dev/shm",
        origin="llm-d manifests; vLLM Docker guide (--ipc=host, --shm-size)",
        check=every_server(_shared_memory),
    ),
    Rule(
        id="server-staging-memory",
        severity=Severity.ERROR,
        title="A server has the memory that its weights go through",
        why="it is killed while loading: 32 GiB were too little for a model of 7.7 GB",
        mend="set memory_limit of the streamer, or ask for more memory",
        origin="aws-deadline PR #221",
        check=every_server(_stages),
    ),
    Rule(
        id="server-trust-remote-code",
        severity=Severity.ERROR,
        title="No server runs code from a model's repository",
        why="whoever can push to the repository runs code beside your prompts",
        mend="remove --trust-remote-code; use a model that the engine knows",
        origin="no public rule",
        check=every_container(_foreign_code),
    ),
    Rule(
        id="server-model-revision",
        severity=Severity.WARNING,
        title="A model from the Hub is pinned to a revision",
        why="two replicas may serve different weights, and nobody can go back",
        mend="pass --revision with a commit, or stream weights from the stack's own bucket",
        origin="no public rule",
        check=every_server(_revision),
    ),
    Rule(
        id="server-api-key",
        severity=Severity.WARNING,
        title="A model asks its callers for a key",
        why="everything in the network may use the accelerators, and read what the model says",
        mend="pulumi config set --secret api_key, or put a gateway with authentication in front",
        origin="no public rule",
        check=every_server(_asks_for_a_key),
    ),
    Rule(
        id="server-api-key-hidden",
        severity=Severity.ERROR,
        title="The key of a model is not on its command line",
        why="whoever may list pods, or processes, reads it",
        mend="give it as VLLM_API_KEY from a Secret",
        origin="no public rule",
        check=every_container(_key_in_words),
    ),
    Rule(
        id="hub-token-file",
        severity=Severity.ERROR,
        title="The token of the Hub comes as a file",
        why="an environment is copied to every child process, and into crash reports",
        mend="mount the Secret and set HF_TOKEN_PATH",
        origin="checkov CKV_K8S_35; ai-on-eks",
        check=every_container(_hub_token),
    ),
    Rule(
        id="server-listens",
        severity=Severity.ERROR,
        title="SGLang listens on the pod's address",
        why="it binds 127.0.0.1 by default: probes fail and the pod is started anew, for ever",
        mend="pass --host 0.0.0.0",
        origin="SGLang 0.5.23 server arguments",
        check=every_server(_listens),
    ),
)
