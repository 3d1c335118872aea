"""Rules on pods, inference servers, scheduling and what surrounds them, by example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.aws.efa import interfaces
from components.graph import Graph, Resource, Unknown
from tests.components.rules.case import Case
from tests.resources import graph, resource

DIGEST = "@sha256:" + "0" * 64
SHM = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "10Gi"}}
STREAMED = '{"memory_limit": 4000000000}'
WORDS = [
    "serve",
    "/models/llama",
    "--served-model-name",
    "meta-llama/Llama-3.3-70B-Instruct",
    "--tensor-parallel-size",
    "8",
    "--quantization",
    "fp8",
    "--load-format",
    "runai_streamer",
    "--model-loader-extra-config",
    STREAMED,
    "--shutdown-timeout",
    "50",
]
DEVICES = {"nvidia.com/gpu": "8", "memory": "100Gi", "vpc.amazonaws.com/efa": "32"}
SECURE = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"], "add": ["IPC_LOCK"]},
}
PROBE = {"httpGet": {"path": "/v1/models", "port": 8000}, "periodSeconds": 10, "failureThreshold": 60}
CONTAINER: dict[str, Any] = {
    "name": "server",
    "image": f"vllm/vllm-openai:v0.27.1{DIGEST}",
    "imagePullPolicy": "IfNotPresent",
    "command": ["vllm"],
    "args": WORDS,
    "env": [{"name": "VLLM_API_KEY", "value": Unknown()}],
    "resources": {"requests": DEVICES | {"cpu": "24"}, "limits": DEVICES},
    "securityContext": SECURE,
    "startupProbe": PROBE,
    "readinessProbe": PROBE,
    "livenessProbe": PROBE,
    "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
    "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],  # noqa: S108  of the pod
}
POD: dict[str, Any] = {
    "serviceAccountName": "model-server",
    "automountServiceAccountToken": False,
    "terminationGracePeriodSeconds": 80,
    "nodeSelector": {"sizeup/machines": "p5-48xlarge"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone"}],
    "volumes": [SHM],
}
METADATA = {"name": "chat", "namespace": "chat", "labels": {"app.kubernetes.io/name": "vllm"}}
SPEC: dict[str, Any] = {
    "replicas": 2,
    "progressDeadlineSeconds": 1800,
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
}
IN_POD = "spec.template.spec"
IN_CONTAINER = f"{IN_POD}.containers[0]"


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """*values* without what is None."""
    return {key: value for key, value in values.items() if value is not None}


def deployment(
    *,
    container: dict[str, Any] | None = None,
    pod: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    annotations: dict[str, Any] | None = None,
    **metadata: Any,
) -> Resource:
    """Two replicas of a server that keeps every rule, changed in its parts; None takes a part away."""
    inside = without_none(POD | {"containers": [without_none(CONTAINER | (container or {}))]} | (pod or {}))
    template = {"metadata": {"labels": {"app": "chat"}, "annotations": annotations or {}}, "spec": inside}
    outside = without_none(SPEC | {"template": template} | (spec or {}))
    inputs = {"metadata": without_none(METADATA | metadata), "spec": outside}
    return resource("kubernetes:apps/v1:Deployment", inputs=inputs)


def server(**container: Any) -> Graph:
    """A graph of the server with its container changed."""
    return graph(deployment(container=container))


def in_container(rule: str, at: str, *, note: str = "", keeps: Graph | None = None, **breaks: Any) -> Case:
    """A rule on a container that one change breaks."""
    where = f"{IN_CONTAINER}.{at}" if at else IN_CONTAINER
    return Case(rule=rule, note=note, keeps=keeps or server(), breaks=server(**breaks), at=where)


def in_pod(rule: str, at: str, *, note: str = "", keeps: Graph | None = None, **breaks: Any) -> Case:
    """A rule on a pod that one change breaks."""
    where = f"{IN_POD}.{at}" if at else IN_POD
    return Case(rule=rule, note=note, keeps=keeps or server(), breaks=graph(deployment(pod=breaks)), at=where)


def words(*more: str, without: str | None = None, serve: str | None = None) -> list[str]:
    """The arguments of the server with *more*, or *without* an option and its value."""
    kept = list(WORDS)
    if without is not None:
        place = kept.index(without)
        kept = kept[:place] + kept[place + 2 :]
    if serve is not None:
        kept[1] = serve
    return [*kept, *more]


def secure(**changes: Any) -> dict[str, Any]:
    """The security settings of the container, changed."""
    return without_none(SECURE | changes)


def limits(**changes: Any) -> dict[str, Any]:
    """Resources of the container with other limits and the same requests."""
    return {"requests": DEVICES | {"cpu": "24"}, "limits": without_none(DEVICES | changes)}


USER_1000 = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
ROOT = {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}
UNCONFINED = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "Unconfined"}}
NO_LOCK = {"drop": ["ALL"]}


def role(verbs: list[str]) -> Graph:
    """A role that may do *verbs* to nodes."""
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": verbs}
    return graph(resource("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", inputs={"rules": [rule]}))


BINDING = resource(
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "binding",
    inputs={"subjects": [{"kind": "ServiceAccount", "name": "model-server", "namespace": "chat"}]},
)

SECURITY = [
    in_pod("pod-host-namespaces", "hostIPC", hostIPC=True),
    in_container("pod-privileged", "securityContext.privileged", securityContext=secure(privileged=True)),
    in_container(
        "pod-escalation",
        "securityContext.allowPrivilegeEscalation",
        securityContext=secure(allowPrivilegeEscalation=None),
    ),
    in_container(
        "pod-capabilities-dropped",
        "securityContext.capabilities.drop",
        securityContext=secure(capabilities={"drop": ["NET_RAW"]}),
    ),
    in_container(
        "pod-capabilities-added",
        "securityContext.capabilities.add[0]",
        keeps=server(securityContext=secure(capabilities=NO_LOCK)),
    ),
    in_pod("pod-non-root", "containers[0].securityContext", securityContext=ROOT),
    in_pod("pod-high-user", "containers[0].securityContext.runAsUser", securityContext=USER_1000),
    in_pod("pod-seccomp", "containers[0].securityContext.seccompProfile", securityContext=UNCONFINED),
    in_container(
        "pod-read-only-root",
        "securityContext.readOnlyRootFilesystem",
        securityContext=secure(readOnlyRootFilesystem=False),
    ),
    in_pod(
        "pod-token",
        "automountServiceAccountToken",
        keeps=graph(deployment(pod={"automountServiceAccountToken": True}), BINDING),
        automountServiceAccountToken=True,
    ),
    in_pod("pod-account", "serviceAccountName", serviceAccountName=None),
    in_container("pod-resources", "resources.limits", resources=limits(memory=None)),
    in_container("image-tag", "image", note="latest", image="vllm/vllm-openai:latest"),
    in_container("image-tag", "image", note="none, behind a port", image="registry.local:5000/vllm"),
    in_container("image-digest", "image", image="vllm/vllm-openai:v0.27.1"),
    in_container("image-pull-policy", "imagePullPolicy", imagePullPolicy="Always"),
    Case(
        rule="pod-namespace",
        keeps=server(),
        breaks=graph(deployment(namespace=None)),
        at=IN_POD,
    ),
    in_container(
        "pod-secret-files",
        "env[0]",
        env=[{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
    ),
    Case(rule="rbac-wildcard", keeps=role(["get", "list"]), breaks=role(["*"]), at="rules[0]"),
]

NO_TPU_TIME = {
    "requests": {"google.com/tpu": "8", "memory": "100Gi", "cpu": "24"},
    "limits": {"google.com/tpu": "8", "memory": "100Gi"},
}


def probe(seconds: int, path: str = "/v1/models") -> dict[str, Any]:
    """A probe that gives up after so long."""
    return {"httpGet": {"path": path}, "periodSeconds": 10, "failureThreshold": seconds // 10}


SGLANG = ["-m", "sglang.launch_server", "--model-path", "/models/llama"]
SERVERS = [
    in_container("server-startup-probe", "startupProbe", startupProbe=None),
    in_container("server-startup-budget", "startupProbe", startupProbe=probe(240)),
    in_container(
        "server-startup-budget",
        "startupProbe",
        note="an hour on TPU",
        keeps=server(resources=NO_TPU_TIME, startupProbe=probe(3600)),
        resources=NO_TPU_TIME,
        startupProbe=probe(900),
    ),
    Case(
        rule="server-progress-deadline",
        keeps=server(),
        breaks=graph(deployment(spec={"progressDeadlineSeconds": None})),
        at="spec.progressDeadlineSeconds",
        note="600 s, as long as the probe",
    ),
    in_container("server-readiness", "readinessProbe", note="none", readinessProbe=None),
    in_container(
        "server-readiness",
        "readinessProbe.httpGet.path",
        note="health is enough with a key",
        keeps=server(readinessProbe=probe(30, "/health")),
        readinessProbe=probe(30, "/health"),
        env=[],
    ),
    in_pod("server-drain-time", "containers[0].lifecycle", note="65 of 60 s", terminationGracePeriodSeconds=60),
    in_container("server-shutdown-timeout", "args", args=words(without="--shutdown-timeout")),
    in_container("server-pre-stop", "lifecycle", lifecycle=None),
    in_pod("memory-volumes", "volumes[0].emptyDir", volumes=[{"name": "shm", "emptyDir": {"medium": "Memory"}}]),
    in_pod(
        "memory-volumes",
        "volumes",
        note="all of the memory",
        volumes=[{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "100Gi"}}],
    ),
    in_container("server-shared-memory", "volumeMounts", volumeMounts=[]),
    in_container(
        "server-staging-memory",
        "resources.limits.memory",
        note="8 x 4 GB and 10 GiB shared",
        keeps=server(resources={"requests": DEVICES, "limits": DEVICES}),
        resources={"requests": DEVICES | {"memory": "39Gi"}, "limits": DEVICES | {"memory": "39Gi"}},
    ),
    in_container(
        "server-staging-memory",
        "resources.limits.memory",
        note="the whole model without a limit",
        resources={"requests": DEVICES | {"memory": "64Gi"}, "limits": DEVICES | {"memory": "64Gi"}},
        args=words(without="--model-loader-extra-config"),
    ),
    in_container("server-trust-remote-code", "args", args=words("--trust-remote-code")),
    in_container("server-model-revision", "args", args=words(serve="meta-llama/Llama-3.3-70B-Instruct")),
    in_container("server-api-key", "env", env=[]),
    in_container("server-api-key-hidden", "args", args=words("--api-key=abc")),
    in_container("hub-token-file", "env[0]", env=[{"name": "HF_TOKEN", "value": "abc"}]),
    in_container(
        "server-listens",
        "args",
        keeps=server(command=["python"], args=[*SGLANG, "--host", "0.0.0.0"]),  # noqa: S104  inside a pod
        command=["python"],
        args=SGLANG,
    ),
]

LABELS = {"sizeup/machines": "p5-48xlarge"}
TAINTED = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


def pool(machine: str = "p5.48xlarge", *, nodes: int = 2, template: Resource | None = None, **inputs: Any) -> Resource:
    """A node group of as many machines, labelled and tainted."""
    good = {
        "instanceTypes": [machine],
        "labels": LABELS,
        "launchTemplate": {"id": Unknown()},
        "scalingConfig": {"minSize": nodes, "desiredSize": nodes, "maxSize": nodes},
        "taints": TAINTED,
    }
    refers = {"launchTemplate": template} if template else None
    return resource("aws:eks/nodeGroup:NodeGroup", "pool", inputs=good | inputs, refers=refers)


def gke_pool(**config: Any) -> Resource:
    """A GKE pool of two machines with 8 H100, labelled and tainted."""
    node_config = {"machineType": "a3-highgpu-8g", "labels": LABELS, "taints": TAINTED} | config
    inputs = {"nodeCount": 1, "nodeLocations": ["us-central1-a", "us-central1-b"], "nodeConfig": node_config}
    return resource("gcp:container/nodePool:NodePool", "pool", inputs=inputs)


FABRIC = resource(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "template",
    inputs={
        "networkInterfaces": [
            {"networkCardIndex": one.card, "deviceIndex": one.device, "interfaceType": one.type}
            for one in interfaces("p5.48xlarge")
        ]
    },
)
ON_FABRIC = graph(FABRIC, pool(template=FABRIC), deployment())
SCALER = resource(
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "scaler",
    inputs={
        "metadata": {"name": "chat", "namespace": "chat"},
        "spec": {"minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": {"kind": "Deployment", "name": "chat"}},
    },
)
OTHER = replace(
    deployment(spec={"replicas": 1}, name="other"), urn="urn:pulumi:dev::sizeup::kubernetes:apps/v1:Deployment::other"
)
STAY = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
SLOW = {"sizeup/machines": "slow"}


def on(pools: Resource, **parts: Any) -> Graph:
    """The server beside a pool."""
    return graph(pools, deployment(**parts))


SCHEDULING = [
    Case(rule="pod-pool", keeps=on(pool()), breaks=on(pool(labels=SLOW)), at=IN_POD),
    Case(
        rule="pod-pool",
        note="by affinity, on GKE",
        keeps=on(gke_pool()),
        breaks=on(
            gke_pool(),
            pod={
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {
                                    "matchExpressions": [
                                        {"key": "sizeup/machines", "operator": "In", "values": ["a3-megagpu-8g"]}
                                    ]
                                }
                            ]
                        }
                    }
                }
            },
        ),
        at=IN_POD,
    ),
    Case(rule="pod-tolerates", keeps=on(pool()), breaks=on(pool(), pod={"tolerations": []}), at=IN_POD),
    Case(
        rule="pod-tolerates",
        note="another value, on GKE",
        keeps=on(gke_pool()),
        breaks=on(gke_pool(), pod={"tolerations": [{"key": "nvidia.com/gpu", "operator": "Equal", "value": "yes"}]}),
        at=IN_POD,
    ),
    Case(rule="pod-fits", keeps=on(pool()), breaks=on(pool("g6e.12xlarge")), at=IN_POD, note="8 of 4 accelerators"),
    Case(
        rule="pod-fits",
        note="3 of 2 TiB",
        keeps=on(pool()),
        breaks=on(pool(), container={"resources": {"limits": {"nvidia.com/gpu": "8", "memory": "3Ti"}}}),
        at=IN_POD,
    ),
    Case(
        rule="pod-efa-count",
        note="half of them",
        keeps=ON_FABRIC,
        breaks=graph(
            FABRIC,
            pool(template=FABRIC),
            deployment(container={"resources": limits(**{"vpc.amazonaws.com/efa": "16"})}),
        ),
        at=f"{IN_CONTAINER}.resources.limits",
    ),
    Case(
        rule="pod-efa-count",
        note="none on these machines",
        keeps=ON_FABRIC,
        breaks=graph(plain := replace(FABRIC, inputs={}), pool(template=plain), deployment()),
        at=f"{IN_CONTAINER}.resources.limits",
    ),
    in_container(
        "pod-accelerator-limit",
        "resources.requests.nvidia.com/gpu",
        resources={"requests": {"nvidia.com/gpu": "4"}, "limits": {"nvidia.com/gpu": "8"}},
    ),
    in_container(
        "pod-ipc-lock", "securityContext.capabilities", securityContext=secure(capabilities={"drop": ["ALL"]})
    ),
    Case(
        rule="replicas-fit",
        keeps=graph(pool(nodes=4), deployment(), SCALER),
        breaks=graph(pool(nodes=3), deployment(), SCALER),
        at="spec.replicas",
    ),
    Case(
        rule="replicas-fit",
        note="another workload is on one of the machines",
        keeps=graph(pool(nodes=5), deployment(), SCALER, OTHER),
        breaks=graph(pool(nodes=4), deployment(), SCALER, OTHER),
        at="spec.replicas",
    ),
    Case(
        rule="rollout-room",
        note="no free machine",
        keeps=on(pool(nodes=3), spec={"strategy": STAY}),
        breaks=on(pool(nodes=2), spec={"strategy": STAY}),
        at="spec.strategy",
    ),
    Case(
        rule="rollout-room",
        note="a quarter of 2 replicas is none",
        keeps=on(gke_pool(), spec={"strategy": {"type": "Recreate"}}),
        breaks=on(gke_pool(), spec={"strategy": None}),
        at="spec.strategy",
    ),
]


def budget(**spec: Any) -> Resource:
    """A disruption budget of the server."""
    selected = {"selector": {"matchLabels": {"app": "chat"}}} | spec
    return resource(
        "kubernetes:policy/v1:PodDisruptionBudget",
        "budget",
        inputs={"metadata": {"name": "chat", "namespace": "chat"}, "spec": selected},
    )


def load_balancer(**changes: Any) -> Graph:
    """An internal load balancer for one network, changed."""
    internal = {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}
    annotations = changes.pop("annotations", internal)
    spec = without_none({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/16"]} | changes)
    inputs = {"metadata": {"name": "chat", "annotations": annotations}, "spec": spec}
    return graph(resource("kubernetes:core/v1:Service", inputs=inputs))


def walled(**spec: Any) -> Graph:
    """The server behind a network policy."""
    inputs = {
        "metadata": {"namespace": "chat"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} | spec,
    }
    return graph(deployment(), resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", inputs=inputs))


def scaled(*ignored: str) -> Graph:
    """The server and its autoscaler, with what the program leaves alone."""
    return graph(replace(deployment(), ignore_changes=ignored), SCALER)


def scaler(least: int, most: int) -> Graph:
    """An autoscaler between two counts."""
    return graph(
        resource(
            "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
            inputs={"spec": {"minReplicas": least, "maxReplicas": most}},
        )
    )


def mounted(limit: str) -> Graph:
    """The server with a bucket mounted on GKE."""
    keys = ("cpu", "memory", "ephemeral-storage")
    annotations = {"gke-gcsfuse/volumes": "true"} | {f"gke-gcsfuse/{key}-limit": "0" for key in keys}
    return graph(deployment(annotations=annotations | {"gke-gcsfuse/memory-limit": limit}))


OBJECTS = [
    Case(
        rule="budget-zero",
        keeps=graph(deployment(), budget(maxUnavailable=1)),
        breaks=graph(deployment(), budget(maxUnavailable=0)),
        at="spec.maxUnavailable",
        on="budget",
    ),
    Case(
        rule="budget-zero",
        note="2 of 2 must stay",
        keeps=graph(deployment(), budget(minAvailable=1)),
        breaks=graph(deployment(), budget(minAvailable=2)),
        at="spec.minAvailable",
        on="budget",
    ),
    Case(rule="server-budget", keeps=graph(deployment(), budget(maxUnavailable=1)), breaks=server(), at=""),
    in_pod("server-spread", "topologySpreadConstraints", topologySpreadConstraints=[]),
    Case(rule="scaler-owns-replicas", keeps=scaled("spec.replicas"), breaks=scaled(), at="spec.replicas"),
    Case(rule="scaler-order", keeps=scaler(2, 2), breaks=scaler(3, 2), at="spec"),
    Case(
        rule="service-internal", keeps=load_balancer(), breaks=load_balancer(annotations={}), at="metadata.annotations"
    ),
    Case(
        rule="service-callers",
        keeps=load_balancer(),
        breaks=load_balancer(loadBalancerSourceRanges=None),
        at="spec.loadBalancerSourceRanges",
    ),
    Case(rule="server-network-policy", keeps=walled(), breaks=walled(policyTypes=["Ingress"]), at="metadata.namespace"),
    Case(rule="fuse-limits", keeps=mounted("0"), breaks=mounted("256Mi"), at="spec.template.metadata.annotations"),
    Case(rule="workload-labels", keeps=server(), breaks=graph(deployment(labels={})), at="metadata.labels"),
]

CASES = [*SECURITY, *SERVERS, *SCHEDULING, *OBJECTS]
