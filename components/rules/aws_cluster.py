"""Rules on EKS: who reaches its API, who may use it, what it records, and its add-ons."""

from __future__ import annotations

import json
from collections.abc import Iterator

from components.graph import Graph, Resource, Value
from components.rules.eks_nodes import CLUSTER, NODE_GROUP
from components.rules.reading import (
    Mistake,
    behind,
    each,
    is_absent,
    items,
    must_be,
    of_type,
    pointing_at,
    shown,
    stated,
    waits_for,
)
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown, length, surroundings, text, texts, truth

ADDON = "aws:eks/addon:Addon"
ACCESS_ENTRY = "aws:eks/accessEntry:AccessEntry"
POD_IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
ANYWHERE = ("0.0.0.0/0", "::/0")
BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")


def open_api_mistakes(cidrs: tuple[str, ...]) -> Iterator[Mistake]:
    """Where the addresses that may reach the Kubernetes API are everybody's; the place in the list, and what it is."""
    yield from ((f"[{place}]", f"{cidr} is everybody") for place, cidr in enumerate(cidrs) if cidr in ANYWHERE)


def zone_mistakes(subnets: int) -> Iterator[str]:
    """Why so many subnets, each in a zone of its own, are too few for a cluster."""
    if subnets < 2:
        yield f"{subnets} subnet, but EKS needs two in different zones"


def _open_api(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    public = stated(cluster, "vpcConfig", "endpointPublicAccess")
    cidrs = stated(cluster, "vpcConfig", "publicAccessCidrs")
    if is_unknown(public) or is_unknown(cidrs) or public is False or public == "false":
        return
    if is_absent(cidrs):
        yield "vpcConfig.publicAccessCidrs", "the API is public, and nobody is kept out"
    for place, what in open_api_mistakes(texts(cidrs)):
        yield f"vpcConfig.publicAccessCidrs{place}", f"the API is public, and {what}"


def _public_api(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    public = stated(cluster, "vpcConfig", "endpointPublicAccess")
    cidrs = texts(stated(cluster, "vpcConfig", "publicAccessCidrs"))
    if truth(public) and cidrs and not any(open_api_mistakes(cidrs)):
        yield "vpcConfig.endpointPublicAccess", f"{', '.join(cidrs)} reach the API from the internet"


def _two_zones(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    subnets = length(stated(cluster, "vpcConfig", "subnetIds"))
    zones = {
        text(stated(subnet, "availabilityZoneId")) or text(stated(subnet, "availabilityZone"))
        for subnet in behind(cluster, "vpcConfig", among, "aws:ec2/subnet:Subnet")
    }
    if subnets is not None and subnets < 2:
        yield from (("vpcConfig.subnetIds", what) for what in zone_mistakes(subnets))
    elif len(zones) == 1 and None not in zones:
        yield "vpcConfig.subnetIds", f"all subnets are in {zones.pop()}, but EKS needs two zones"


def _secrets(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    resources = stated(cluster, "encryptionConfig", "resources")
    unknown = is_unknown(resources) or any(map(is_unknown, items(resources)))
    if not unknown and "secrets" not in texts(resources):
        yield "encryptionConfig", "Kubernetes secrets are not encrypted with a key of the account's own"


def _logs(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    kinds = stated(cluster, "enabledClusterLogTypes")
    missing = [kind for kind in LOGS if kind not in texts(kinds)]
    if missing and not is_unknown(kinds) and not any(map(is_unknown, items(kinds))):
        yield "enabledClusterLogTypes", f"not recorded: {', '.join(missing)}"


def _someone_may(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    creator = stated(cluster, "accessConfig", "bootstrapClusterCreatorAdminPermissions")
    if creator in (False, "false") and not pointing_at(cluster, "clusterName", among, ACCESS_ENTRY):
        yield "accessConfig", "its creator may not use it, and no access entry lets anybody else"


def _in_other_clusters(one: Resource, other: Resource, among: Surroundings) -> bool:
    """Whether *one* and *other* are known to be of two clusters."""
    clusters = [{found.urn for found in behind(each_of, "clusterName", among, CLUSTER)} for each_of in (one, other)]
    names = [text(stated(each_of, "clusterName")) for each_of in (one, other)]
    return clusters[0].isdisjoint(clusters[1]) if all(clusters) else all(names) and names[0] != names[1]


def _addon_order(graph: Graph) -> Iterator[Violation]:
    """CNI and proxy before nodes, name resolution after them."""
    among = surroundings(graph)
    groups = list(of_type(graph, NODE_GROUP))
    for addon in of_type(graph, ADDON):
        name = stated(addon, "addonName")
        own = [group for group in groups if not _in_other_clusters(group, addon, among)]
        if name == "coredns" and own and not waits_for(addon, among) & {group.urn for group in own}:
            yield Violation(
                urn=addon.urn, path="", text="coredns waits for no node group, and is not ready without nodes"
            )
        for group in own if name in BEFORE_NODES else ():
            if addon.urn not in waits_for(group, among):
                yield Violation(
                    urn=group.urn, path="", text=f"does not wait for {name}, without which no node gets ready"
                )


def _agent(association: Resource, among: Surroundings) -> Iterator[Mistake]:
    own = [addon for addon in of_type(among, ADDON) if not _in_other_clusters(association, addon, among)]
    names = [stated(addon, "addonName") for addon in own]
    if "eks-pod-identity-agent" not in names and not any(map(is_unknown, names)):
        yield "", "no add-on eks-pod-identity-agent is there to hand the identity to pods"


def _policies_enforced(graph: Graph) -> Iterator[Violation]:
    """EKS's own network plugin ignores network policies unless told otherwise."""
    if not any(of_type(graph, NETWORK_POLICY)):
        return
    for addon in of_type(graph, ADDON):
        written = stated(addon, "configurationValues")
        if stated(addon, "addonName") == "vpc-cni" and not is_unknown(written) and not _enforces(written):
            yield Violation(
                urn=addon.urn,
                path="configurationValues",
                text="enableNetworkPolicy is not true, so policies do nothing",
            )


def _enforces(written: Value) -> bool:
    try:
        values = json.loads(written) if isinstance(written, str) else {}
    except ValueError:
        return "enableNetworkPolicy" in str(written)  # YAML, which the add-on takes too
    return isinstance(values, dict) and truth(values.get("enableNetworkPolicy"))


def _role_first(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    waiting = waits_for(cluster, among)
    for role in behind(cluster, "roleArn", among, ROLE):
        for attachment in pointing_at(role, "role", among, ATTACHMENT):
            if attachment.urn not in waiting:
                yield "roleArn", f"nothing waits for {attachment.name}"


def _aws_auth(map_: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if stated(map_, "metadata", "name") == "aws-auth":
        yield "metadata.name", "aws-auth, where access entries belong"


def _support(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    kind = stated(cluster, "upgradePolicy", "supportType")
    if not is_unknown(kind) and kind != "STANDARD":
        yield "upgradePolicy.supportType", f"is {shown(kind)}; extended support costs 0.60 instead of 0.10 USD/h"


RULES: tuple[Rule, ...] = (
    Rule(
        id="eks-api-open",
        severity=Severity.ERROR,
        title="The Kubernetes API is not open to everybody",
        why="it can be attacked from anywhere",
        mend="set endpoint_public_access=False, or name your own addresses in public_access_cidrs",
        origin="checkov CKV_AWS_38; Control Tower CT.EKS.PR.1; Security Hub EKS.1",
        check=each(CLUSTER, _open_api),
    ),
    Rule(
        id="eks-api-public",
        severity=Severity.WARNING,
        title="The Kubernetes API is reached from the network only",
        why="the addresses that may reach it from outside have to be kept up to date by somebody",
        mend="apply from inside the network, and leave api_access_cidrs empty",
        origin="checkov CKV_AWS_39; aws-eks-cluster-disallow-api-endpoint-public-access",
        check=each(CLUSTER, _public_api),
    ),
    Rule(
        id="eks-api-private",
        severity=Severity.ERROR,
        title="Nodes reach the Kubernetes API inside the network",
        why="their traffic leaves the network and comes back through the public endpoint, if it is let in at all",
        mend="set endpoint_private_access=True",
        origin="AWS EKS cluster endpoint; pulumi-eks 4.4.0 leaves it off",
        check=must_be(CLUSTER, "vpcConfig.endpointPrivateAccess", True),
    ),
    Rule(
        id="eks-zones",
        severity=Severity.ERROR,
        title="A cluster has subnets in two zones at least",
        why="EKS refuses it",
        mend="give subnets of another zone too",
        origin="AWS EKS network requirements",
        check=each(CLUSTER, _two_zones),
    ),
    Rule(
        id="eks-secrets-encrypted",
        severity=Severity.ERROR,
        title="Kubernetes secrets are encrypted with a key of the account's own",
        why="tokens and keys of models lie readable for whoever gets at the control plane's storage",
        mend='set encryption_config with resources=["secrets"] and a key',
        origin="checkov CKV_AWS_58; Control Tower CT.EKS.PR.2",
        check=each(CLUSTER, _secrets),
    ),
    Rule(
        id="eks-logs",
        severity=Severity.WARNING,
        title="All five logs of the control plane are kept",
        why="nobody can tell later who did what",
        mend=f"set enabled_cluster_log_types={list(LOGS)}",
        origin="checkov CKV_AWS_37; CIS EKS 2.1",
        check=each(CLUSTER, _logs),
    ),
    Rule(
        id="eks-access-entries",
        severity=Severity.ERROR,
        title="Access to the cluster is by access entries",
        why="the aws-auth ConfigMap locks everybody out when it is wrong, and cannot be reached to mend it",
        mend='set access_config authentication_mode="API"',
        origin="pulumi-eks#598; no public rule",
        check=must_be(CLUSTER, "accessConfig.authenticationMode", "API"),
    ),
    Rule(
        id="eks-aws-auth",
        severity=Severity.ERROR,
        title="There is no aws-auth ConfigMap",
        why="it locks people out, and its removal after the nodes leaves stacks that cannot be deleted",
        mend="use aws.eks.AccessEntry",
        origin="pulumi-eks#598; ai-on-eks",
        check=each(CONFIG_MAP, _aws_auth),
    ),
    Rule(
        id="eks-someone-may",
        severity=Severity.ERROR,
        title="Somebody may use the cluster",
        why="nobody can, and EKS does not let its creator in afterwards",
        mend="add an access entry, or set bootstrap_cluster_creator_admin_permissions=True",
        origin="AWS EKS access entries",
        check=each(CLUSTER, _someone_may),
    ),
    Rule(
        id="eks-version-pinned",
        severity=Severity.WARNING,
        title="The Kubernetes version of the cluster is stated",
        why="the newest is taken at creation, and nothing says later which one was meant",
        mend="set version",
        origin="checkov CKV_AWS_339 asks for a supported one, which depends on the day",
        check=must_be(CLUSTER, "version"),
    ),
    Rule(
        id="eks-extended-support",
        severity=Severity.WARNING,
        title="A cluster never slides into extended support",
        why="at the end of standard support it is billed six times as much",
        mend='set upgrade_policy support_type="STANDARD"',
        origin="AWS EKS pricing: extended is the default",
        check=each(CLUSTER, _support),
    ),
    Rule(
        id="eks-deletion-protection",
        severity=Severity.WARNING,
        title="EKS itself refuses to delete the cluster",
        why="one wrong call takes down everything that runs on it",
        mend="set deletion_protection=True",
        origin="AWS::EKS::Cluster DeletionProtection",
        check=must_be(CLUSTER, "deletionProtection", True),
    ),
    Rule(
        id="eks-role-first",
        severity=Severity.ERROR,
        title="A cluster waits for the policies of its role",
        why="EKS cannot remove its interfaces where the policies go first, and the network is then stuck",
        mend="add the role's policy attachments to depends_on",
        origin="pulumi aws.eks.Cluster documentation",
        check=each(CLUSTER, _role_first),
    ),
    Rule(
        id="addon-pinned",
        severity=Severity.WARNING,
        title="Versions of add-ons are pinned",
        why="the default moves with EKS, and an add-on changes together with something unrelated",
        mend="set addon_version",
        origin="ai-on-eks, terraform-aws-eks most_recent",
        check=must_be(ADDON, "addonVersion"),
    ),
    Rule(
        id="addon-order",
        severity=Severity.ERROR,
        title="Nodes wait for the network plugin, proxy and identity agent; coredns waits for nodes",
        why="no node gets ready without the first, and coredns is never ready without nodes: the update times out",
        mend="set depends_on",
        origin="AWS EKS add-ons; terraform-aws-eks before_compute",
        check=_addon_order,
    ),
    Rule(
        id="pod-identity-agent",
        severity=Severity.ERROR,
        title="Pod identities go with the agent that hands them out",
        why="pods get no credentials",
        mend="add the add-on eks-pod-identity-agent",
        origin="AWS EKS pod identities",
        check=each(POD_IDENTITY, _agent),
    ),
    Rule(
        id="network-policy-enforced",
        severity=Severity.ERROR,
        title="Where there are network policies, the network plugin enforces them",
        why="EKS takes them and ignores them: everything reaches everything",
        mend='set configuration_values={"enableNetworkPolicy": "true"} on vpc-cni',
        origin="AWS EKS network policies",
        check=_policies_enforced,
    ),
)
