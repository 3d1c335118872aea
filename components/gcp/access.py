"""Who administers the cluster: Kubernetes roles for named people and groups, instead of a project-wide IAM role."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.rbac import v1 as rbac

from components.arguments import checked
from components.gcp.machines import Unprovisionable

FIND_CLUSTER = "roles/container.clusterViewer"  # to get its address; grants nothing inside it
_KINDS = {"user": "User", "serviceAccount": "User", "group": "Group"}
_API_GROUP = "rbac.authorization.k8s.io"


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorsArgs:
    """IAM members that administer one cluster."""

    project: str
    members: tuple[str, ...]  # user:a@b.c, group:a@b.c, serviceAccount:a@b.c
    may_find_clusters: bool = True  # whether to grant it here: once for all clusters of the project


@checked
class Administrators(pulumi.ComponentResource):
    """Full rights inside one cluster, and none outside of it."""

    def __init__(self, name: str, args: AdministratorsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Bind *args*; the providers of both Google Cloud and the cluster come with *opts*."""
        super().__init__("sizeup:index:GcpAdministrators", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for number, member in enumerate(args.members if args.may_find_clusters else ()):
            projects.IAMMember(
                f"{name}-find-{number}", project=args.project, role=FIND_CLUSTER, member=member, opts=child
            )
        rbac.ClusterRoleBinding(
            name,
            metadata=meta.ObjectMetaArgs(name="sizeup-administrators"),
            role_ref=rbac.RoleRefArgs(api_group=_API_GROUP, kind="ClusterRole", name="cluster-admin"),
            subjects=[_subject(member) for member in args.members],
            opts=child,
        )
        self.register_outputs({})


def _subject(member: str) -> rbac.SubjectArgs:
    kind, email = _parts(member)
    return rbac.SubjectArgs(api_group=_API_GROUP, kind=_KINDS[kind], name=email)


def security_group(members: tuple[str, ...]) -> str | None:
    """
    The group through which GKE learns of groups: gke-security-groups of their domain; None where no group is named.

    Raises:
        Unprovisionable: If a member is not an IAM member, or groups are of several domains.
    """
    parsed = [_parts(member) for member in members]
    domains = sorted({email.partition("@")[2] for kind, email in parsed if kind == "group"})
    if len(domains) > 1:
        raise Unprovisionable(
            what=f"sizeup:platform.admin_principals: groups of {len(domains)} domains ({', '.join(domains)}), but a "
            "GKE cluster knows the groups of one",
            mend="name groups of one domain",
        )
    return f"gke-security-groups@{domains[0]}" if domains else None


def _parts(member: str) -> tuple[str, str]:
    kind, _, email = member.partition(":")
    if kind not in _KINDS or "@" not in email:
        raise Unprovisionable(
            what=f"sizeup:platform.admin_principals: {member!r} is no member that Google Cloud knows",
            mend="write user:name@example.com, group:name@example.com or serviceAccount:name@...",
        )
    return kind, email
