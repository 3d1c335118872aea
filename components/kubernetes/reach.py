"""
Whether whoever applies the stack reaches the Kubernetes API: asked before anything expensive is bought.

The API is private, so the first update from a network that is not connected fails at the first object in the cluster.
Accelerators wait for this one, which needs no node: the failure then costs a control plane for minutes, and not the
accelerators for as long as nobody looks.
"""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta import v1 as meta

NAMESPACE = "kube-system"


def api_reached(stack: str, opts: pulumi.ResourceOptions, *, suffix: str = "") -> v1.ConfigMap:
    """
    A note in the cluster of which stack it belongs to; the Kubernetes provider comes with *opts*.

    *suffix* tells it from those of the stack's other clusters.
    """
    return v1.ConfigMap(
        f"api-reached{suffix}",
        metadata=meta.ObjectMetaArgs(
            name="sizeup-stack", namespace=NAMESPACE, labels={"app.kubernetes.io/managed-by": "sizeup"}
        ),
        data={"stack": stack},
        opts=opts,
    )
