"""
Device plugins: daemons that offer the accelerators and the fabric of a node to Kubernetes.

Plain manifests after each vendor's own, with the privileges that those ask for and no more. They run as root, since
the kubelet's socket belongs to root; that is the one thing that they do with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.rbac import v1 as rbac

from components.arguments import checked
from components.kubernetes.scheduling import Toleration, machine_affinity, toleration_args
from components.rules.broken import broken
from components.rules.kubernetes_pods import tag_mistakes
from sizing.errors import Problem

NAMESPACE = "kube-system"
KUBELET_PLUGINS = "/var/lib/kubelet/device-plugins"


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a plugin may do with the Kubernetes API."""

    resources: tuple[str, ...]
    verbs: tuple[str, ...]


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlugin:
    """One vendor's plugin."""

    name: str
    image: str
    machines: tuple[str, ...]  # kinds of machines that have the device
    tolerations: tuple[Toleration, ...]
    host_paths: tuple[str, ...]  # of the node, mounted at the same place
    environment: tuple[tuple[str, str], ...] = ()
    needs_node_name: bool = False
    host_network: bool = False
    permissions: tuple[Permission, ...] = ()

    def broken_rules(self) -> Iterator[Problem]:
        """What the plugin's pods would break."""
        return broken("image-tag", "image", tag_mistakes(self.image))


def nvidia_plugin(*, image: str, machines: tuple[str, ...], tolerations: tuple[Toleration, ...]) -> DevicePlugin:
    """GPUs as nvidia.com/gpu, after NVIDIA/k8s-device-plugin deployments/static; it runs only where there are GPUs."""
    return DevicePlugin(
        name="nvidia-device-plugin",
        image=image,
        machines=machines,
        tolerations=tolerations,
        host_paths=(KUBELET_PLUGINS,),
        environment=(("FAIL_ON_INIT_ERROR", "true"),),
    )


def efa_plugin(*, image: str, machines: tuple[str, ...], tolerations: tuple[Toleration, ...]) -> DevicePlugin:
    """EFA interfaces as vpc.amazonaws.com/efa, after aws/eks-charts aws-efa-k8s-device-plugin."""
    return DevicePlugin(
        name="efa-device-plugin",
        image=image,
        machines=machines,
        tolerations=tolerations,
        host_paths=(KUBELET_PLUGINS, "/dev/infiniband", "/opt/aws/neuron"),
        host_network=True,
    )


def neuron_plugin(*, image: str, machines: tuple[str, ...], tolerations: tuple[Toleration, ...]) -> DevicePlugin:
    """Neuron chips as aws.amazon.com/neuron, after aws-neuron/aws-neuron-sdk src/k8."""
    return DevicePlugin(
        name="neuron-device-plugin",
        image=image,
        machines=machines,
        tolerations=tolerations,
        host_paths=(KUBELET_PLUGINS, "/run"),
        environment=(("KUBECONFIG", "/etc/kubernetes/kubelet.conf"),),
        needs_node_name=True,
        permissions=(
            Permission(resources=("nodes",), verbs=("get", "list", "watch")),
            Permission(resources=("nodes/status",), verbs=("patch", "update")),
            Permission(resources=("pods",), verbs=("get", "list", "watch", "patch", "update")),
            Permission(resources=("events",), verbs=("create", "patch")),
        ),
    )


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class DevicesArgs:
    """The plugins of a cluster."""

    plugins: tuple[DevicePlugin, ...]
    after: Sequence[pulumi.Resource] = ()  # the nodes that they run on


@checked
class Devices(pulumi.ComponentResource):
    """A daemon on every node that has the device, for each plugin."""

    def __init__(self, name: str, args: DevicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the plugins of *args*; the Kubernetes provider comes with *opts*."""
        super().__init__("sizeup:index:Devices", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        for plugin in args.plugins:
            _identity(f"{name}-{plugin.name}", plugin, child)
            apps.DaemonSet(
                f"{name}-{plugin.name}",
                metadata=meta.ObjectMetaArgs(name=plugin.name, namespace=NAMESPACE, labels=_labels(plugin)),
                spec=apps.DaemonSetSpecArgs(
                    selector=meta.LabelSelectorArgs(match_labels=_labels(plugin)),
                    template=v1.PodTemplateSpecArgs(
                        metadata=meta.ObjectMetaArgs(labels=_labels(plugin)), spec=plugin_pod(plugin)
                    ),
                ),
                opts=child,
            )
        self.register_outputs({})


def plugin_pod(plugin: DevicePlugin) -> v1.PodSpecArgs:
    """The pod of a plugin on each of its nodes."""
    environment = [v1.EnvVarArgs(name=name, value=value) for name, value in plugin.environment]
    if plugin.needs_node_name:
        node = v1.EnvVarSourceArgs(field_ref=v1.ObjectFieldSelectorArgs(field_path="spec.nodeName"))
        environment.append(v1.EnvVarArgs(name="NODE_NAME", value_from=node))
    names = [f"host-{number}" for number in range(len(plugin.host_paths))]
    return v1.PodSpecArgs(
        priority_class_name="system-node-critical",
        service_account_name=plugin.name,
        automount_service_account_token=bool(plugin.permissions),
        host_network=plugin.host_network,
        affinity=machine_affinity(plugin.machines),
        tolerations=toleration_args(plugin.tolerations),
        security_context=v1.PodSecurityContextArgs(seccomp_profile=v1.SeccompProfileArgs(type="RuntimeDefault")),
        containers=[
            v1.ContainerArgs(
                name="plugin",
                image=plugin.image,
                image_pull_policy="IfNotPresent",
                env=environment,
                security_context=v1.SecurityContextArgs(
                    allow_privilege_escalation=False, capabilities=v1.CapabilitiesArgs(drop=["ALL"])
                ),
                resources=v1.ResourceRequirementsArgs(
                    requests={"cpu": "50m", "memory": "64Mi"}, limits={"cpu": "500m", "memory": "256Mi"}
                ),
                volume_mounts=[
                    v1.VolumeMountArgs(name=name, mount_path=path)
                    for name, path in zip(names, plugin.host_paths, strict=True)
                ],
            )
        ],
        volumes=[
            v1.VolumeArgs(name=name, host_path=v1.HostPathVolumeSourceArgs(path=path, type="DirectoryOrCreate"))
            for name, path in zip(names, plugin.host_paths, strict=True)
        ],
    )


def _labels(plugin: DevicePlugin) -> dict[str, str]:
    return {"app.kubernetes.io/name": plugin.name, "app.kubernetes.io/managed-by": "sizeup"}


def _identity(name: str, plugin: DevicePlugin, opts: pulumi.ResourceOptions) -> None:
    """A service account of its own, with the plugin's permissions where it has any."""
    account = v1.ServiceAccount(
        f"{name}-account",
        metadata=meta.ObjectMetaArgs(name=plugin.name, namespace=NAMESPACE, labels=_labels(plugin)),
        automount_service_account_token=False,
        opts=opts,
    )
    if not plugin.permissions:
        return
    role = rbac.ClusterRole(
        f"{name}-role",
        metadata=meta.ObjectMetaArgs(name=plugin.name, labels=_labels(plugin)),
        rules=[
            rbac.PolicyRuleArgs(api_groups=[""], resources=list(one.resources), verbs=list(one.verbs))
            for one in plugin.permissions
        ],
        opts=opts,
    )
    rbac.ClusterRoleBinding(
        f"{name}-role",
        metadata=meta.ObjectMetaArgs(name=plugin.name, labels=_labels(plugin)),
        role_ref=rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=plugin.name),
        subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=plugin.name, namespace=NAMESPACE)],
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[role, account])),
    )
