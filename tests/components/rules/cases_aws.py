"""Rules on networks, EKS, storage and identities of AWS, by example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.graph import Graph, Resource, Unknown
from tests.components.rules.case import Case
from tests.resources import graph, resource

VPC = resource("aws:ec2/vpc:Vpc", "vpc", inputs={"enableDnsHostnames": True, "enableDnsSupport": True})
NODES = resource("aws:eks/nodeGroup:NodeGroup", "nodes")
ROLE = resource("aws:iam/role:Role", "role")
ATTACHMENT = resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attached", refers={"role": ROLE})
EKS: dict[str, Any] = {
    "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
    "deletionProtection": True,
    "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": Unknown()}},
    "upgradePolicy": {"supportType": "STANDARD"},
    "version": "1.35",
    "vpcConfig": {"endpointPrivateAccess": True, "endpointPublicAccess": False, "subnetIds": [Unknown(), Unknown()]},
}


def cluster(
    *, refers: Mapping[str, Resource] | None = None, after: tuple[Resource, ...] = (), **inputs: Any
) -> Resource:
    """A protected EKS cluster that keeps every rule, changed by *inputs*; None takes one away."""
    kept = {key: value for key, value in (EKS | inputs).items() if value is not None}
    return replace(
        resource("aws:eks/cluster:Cluster", "cluster", inputs=kept, refers=refers, after=after), protect=True
    )


def addon(name: str, *, after: tuple[Resource, ...] = (), **inputs: Any) -> Resource:
    """An add-on at a pinned version."""
    pinned = {"addonName": name, "addonVersion": "v1.21.1-eksbuild.7"}
    kept = {key: value for key, value in (pinned | inputs).items() if value is not None}
    return resource("aws:eks/addon:Addon", name, inputs=kept, after=after)


def on_cluster(rule: str, at: str, *, note: str = "", **breaks: Any) -> Case:
    """A rule on a cluster that one input breaks."""
    return Case(rule=rule, note=note, keeps=graph(cluster()), breaks=graph(cluster(**breaks)), at=at, on="cluster")


def reached(**config: Any) -> dict[str, Any]:
    """The network of a cluster, changed by *config*."""
    network: dict[str, Any] = EKS["vpcConfig"]
    return network | config


def config_map(name: str) -> Graph:
    """A ConfigMap of this name."""
    return graph(
        resource("kubernetes:core/v1:ConfigMap", inputs={"metadata": {"name": name, "namespace": "kube-system"}})
    )


POLICY = resource("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny-all")
COREDNS = addon("coredns", after=(NODES,))
ASSOCIATION = resource("aws:eks/podIdentityAssociation:PodIdentityAssociation", "identity")
ENFORCING = json.dumps({"enableNetworkPolicy": "true"})
ANYWHERE = reached(endpointPublicAccess=True, publicAccessCidrs=["0.0.0.0/0"])
FROM_OFFICE = reached(endpointPublicAccess=True, publicAccessCidrs=["203.0.113.0/24"])
ONE_SUBNET = reached(subnetIds=[Unknown()])

HERE, THERE = cluster(), resource("aws:eks/cluster:Cluster", "there")


def my(kind: str, name: str, *, of: Resource = HERE, after: tuple[Resource, ...] = (), **inputs: Any) -> Resource:
    """Something of one cluster of two."""
    return resource(f"aws:eks/{kind}", name, inputs=inputs, refers={"clusterName": of}, after=after)


MY_CNI = my("addon:Addon", "my-cni", addonName="vpc-cni")
THEIR_CNI = my("addon:Addon", "their-cni", of=THERE, addonName="vpc-cni")
AGENT = my("addon:Addon", "agent", addonName="eks-pod-identity-agent")

CLUSTERS = [
    Case(
        rule="eks-api-open",
        keeps=graph(cluster(vpcConfig=FROM_OFFICE)),
        breaks=graph(cluster(vpcConfig=ANYWHERE)),
        at="vpcConfig.publicAccessCidrs[0]",
        on="cluster",
    ),
    on_cluster(
        "eks-api-open", "vpcConfig.publicAccessCidrs", note="by default", vpcConfig={"endpointPrivateAccess": True}
    ),
    on_cluster("eks-api-public", "vpcConfig.endpointPublicAccess", vpcConfig=FROM_OFFICE),
    on_cluster("eks-api-private", "vpcConfig.endpointPrivateAccess", vpcConfig=reached(endpointPrivateAccess=False)),
    on_cluster("eks-zones", "vpcConfig.subnetIds", vpcConfig=ONE_SUBNET),
    on_cluster("eks-secrets-encrypted", "encryptionConfig", encryptionConfig=None),
    on_cluster("eks-logs", "enabledClusterLogTypes", enabledClusterLogTypes=["api"]),
    on_cluster(
        "eks-access-entries", "accessConfig.authenticationMode", accessConfig={"authenticationMode": "CONFIG_MAP"}
    ),
    Case(rule="eks-aws-auth", keeps=config_map("other"), breaks=config_map("aws-auth"), at="metadata.name"),
    Case(
        rule="eks-someone-may",
        keeps=graph(
            shut := cluster(
                accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
            ),
            resource("aws:eks/accessEntry:AccessEntry", "admin", refers={"clusterName": shut}),
        ),
        breaks=graph(shut),
        at="accessConfig",
        on="cluster",
    ),
    on_cluster("eks-version-pinned", "version", version=None),
    on_cluster("eks-extended-support", "upgradePolicy.supportType", upgradePolicy=None),
    on_cluster("eks-deletion-protection", "deletionProtection", deletionProtection=False),
    Case(
        rule="eks-role-first",
        keeps=graph(ROLE, ATTACHMENT, cluster(refers={"roleArn": ROLE}, after=(ATTACHMENT,))),
        breaks=graph(ROLE, ATTACHMENT, cluster(refers={"roleArn": ROLE})),
        at="roleArn",
        on="cluster",
    ),
    Case(
        rule="addon-pinned",
        keeps=graph(addon("vpc-cni")),
        breaks=graph(addon("vpc-cni", addonVersion=None)),
        at="addonVersion",
        on="vpc-cni",
    ),
    Case(
        rule="addon-order",
        note="CNI before nodes",
        keeps=graph(cni := addon("vpc-cni"), resource("aws:eks/nodeGroup:NodeGroup", "nodes", after=(cni,))),
        breaks=graph(cni, NODES),
        at="",
        on="nodes",
    ),
    Case(
        rule="addon-order",
        note="of two clusters, each group waits for the add-ons of its own",
        keeps=graph(HERE, THERE, MY_CNI, THEIR_CNI, my("nodeGroup:NodeGroup", "nodes", after=(MY_CNI,))),
        breaks=graph(HERE, THERE, MY_CNI, THEIR_CNI, my("nodeGroup:NodeGroup", "nodes", after=(THEIR_CNI,))),
        at="",
        on="nodes",
    ),
    Case(
        rule="addon-order",
        note="coredns after nodes",
        keeps=graph(NODES, COREDNS),
        breaks=graph(NODES, addon("coredns")),
        at="",
        on="coredns",
    ),
    Case(
        rule="pod-identity-agent",
        keeps=graph(ASSOCIATION, addon("eks-pod-identity-agent")),
        breaks=graph(ASSOCIATION, addon("vpc-cni")),
        at="",
        on="identity",
    ),
    Case(
        rule="pod-identity-agent",
        note="the agent of another cluster hands out nothing here",
        keeps=graph(HERE, THERE, AGENT, my("podIdentityAssociation:PodIdentityAssociation", "mine")),
        breaks=graph(HERE, THERE, AGENT, my("podIdentityAssociation:PodIdentityAssociation", "mine", of=THERE)),
        at="",
        on="mine",
    ),
    Case(
        rule="network-policy-enforced",
        keeps=graph(POLICY, addon("vpc-cni", configurationValues=ENFORCING)),
        breaks=graph(POLICY, addon("vpc-cni")),
        at="configurationValues",
        on="vpc-cni",
    ),
]


def subnet(name: str, zone: str, **inputs: Any) -> Resource:
    """A private subnet of *zone*."""
    return resource(
        "aws:ec2/subnet:Subnet", name, inputs={"availabilityZoneId": zone, "mapPublicIpOnLaunch": False} | inputs
    )


def way_out(*, nat_zone: str = "use1-az1", with_endpoint: bool = True) -> Graph:
    """A private zone use1-az1 that leaves through a NAT gateway in *nat_zone*."""
    private, public = subnet("private", "use1-az1"), subnet("public", nat_zone)
    table = resource("aws:ec2/routeTable:RouteTable", "table")
    nat = resource("aws:ec2/natGateway:NatGateway", "nat", refers={"subnetId": public})
    joined = resource(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "joined",
        refers={"routeTableId": table, "subnetId": private},
    )
    route = resource("aws:ec2/route:Route", "out", refers={"routeTableId": table, "natGatewayId": nat})
    endpoint = resource(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "s3",
        inputs={"vpcEndpointType": "Gateway", "serviceName": "com.amazonaws.us-east-1.s3"},
        refers={"routeTableIds": table} if with_endpoint else {},
    )
    return graph(private, public, table, nat, joined, route, endpoint)


def ingress(**inputs: Any) -> Graph:
    """One ingress rule, described."""
    kind = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    return graph(resource(kind, inputs={"description": "callers", "ipProtocol": "tcp"} | inputs))


def egress(**inputs: Any) -> Graph:
    """One egress rule, described."""
    kind = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    return graph(resource(kind, inputs={"description": "ways out"} | inputs))


def security_group(*rules: Resource, **inputs: Any) -> Graph:
    """A security group, described, and rules beside it."""
    return graph(*rules, resource("aws:ec2/securityGroup:SecurityGroup", inputs={"description": "nodes"} | inputs))


GROUP = resource("aws:ec2/securityGroup:SecurityGroup", "it", inputs={"description": "nodes"})
APART = resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "in", refers={"securityGroupId": GROUP})
HTTPS_INSIDE = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/16"]}
SSH_OPEN = {"protocol": "tcp", "fromPort": 20, "toPort": 25, "cidrBlocks": ["0.0.0.0/0"]}
BALANCER = resource("kubernetes:core/v1:Service", "balancer", inputs={"spec": {"type": "LoadBalancer"}})
TAGGED = {"tags": {"kubernetes.io/role/internal-elb": "1"}}

SERVICE = "kubernetes:core/v1:Service"
BALANCES = {"spec": {"type": "LoadBalancer"}}
SUBNET = subnet("private", "use1-az1")
KUBERNETES = resource("pulumi:providers:kubernetes", "kubernetes", refers={"kubeconfig": cluster()})
FROM_A_FILE = resource("pulumi:providers:kubernetes", "from-a-file")

NETWORKS = [
    Case(
        rule="vpc-names",
        keeps=graph(VPC),
        breaks=graph(replace(VPC, inputs={"enableDnsSupport": True})),
        at="enableDnsHostnames",
        on="vpc",
    ),
    Case(
        rule="s3-past-nat",
        keeps=way_out(),
        breaks=way_out(with_endpoint=False),
        at="natGatewayId",
        on="out",
    ),
    Case(rule="nat-of-zone", keeps=way_out(), breaks=way_out(nat_zone="use1-az2"), at="natGatewayId", on="out"),
    Case(
        rule="subnet-public-address",
        keeps=graph(subnet("private", "use1-az1")),
        breaks=graph(subnet("private", "use1-az1", mapPublicIpOnLaunch=True)),
        at="mapPublicIpOnLaunch",
        on="private",
    ),
    Case(
        rule="load-balancer-subnets",
        keeps=graph(cluster(), subnet("private", "use1-az1", **TAGGED), BALANCER),
        breaks=graph(cluster(), subnet("private", "use1-az1"), BALANCER),
        at="tags",
        on="private",
    ),
    Case(
        rule="load-balancer-outlived",
        keeps=graph(
            own := cluster(), SUBNET, KUBERNETES, resource(SERVICE, "balancer", inputs=BALANCES, provider=KUBERNETES)
        ),
        breaks=graph(own, SUBNET, FROM_A_FILE, resource(SERVICE, "balancer", inputs=BALANCES, provider=FROM_A_FILE)),
        at="",
        on="balancer",
    ),
    Case(
        rule="vpc-flow-logs",
        keeps=graph(VPC, resource("aws:ec2/flowLog:FlowLog", "flows", refers={"vpcId": VPC})),
        breaks=graph(VPC),
        at="",
        on="vpc",
    ),
    Case(
        rule="default-security-group",
        keeps=graph(
            VPC,
            resource(
                "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
                "closed",
                inputs={"ingress": [], "egress": []},
                refers={"vpcId": VPC},
            ),
        ),
        breaks=graph(VPC),
        at="",
        on="vpc",
    ),
    Case(
        rule="ingress-from-anywhere",
        note="every port",
        keeps=ingress(ipProtocol="-1", cidrIpv4="10.0.0.0/16"),
        breaks=ingress(ipProtocol="-1", cidrIpv4="0.0.0.0/0"),
        at="cidrIpv4",
    ),
    Case(
        rule="ingress-from-anywhere",
        note="SSH",
        keeps=ingress(fromPort=443, toPort=443, cidrIpv6="::/0"),
        breaks=ingress(fromPort=22, toPort=22, cidrIpv6="::/0"),
        at="cidrIpv6",
    ),
    Case(
        rule="group-ingress-from-anywhere",
        keeps=security_group(ingress=[HTTPS_INSIDE]),
        breaks=security_group(ingress=[HTTPS_INSIDE, SSH_OPEN]),
        at="ingress[1].cidrBlocks",
    ),
    Case(
        rule="egress-to-anywhere",
        keeps=egress(ipProtocol="tcp", fromPort=443, toPort=443, cidrIpv4="0.0.0.0/0"),
        breaks=egress(ipProtocol="-1", cidrIpv4="0.0.0.0/0"),
        at="cidrIpv4",
    ),
    Case(
        rule="security-group-described",
        keeps=ingress(),
        breaks=ingress(description=""),
        at="description",
    ),
    Case(
        rule="security-group-mixed",
        keeps=security_group(APART),
        breaks=security_group(APART, ingress=[HTTPS_INSIDE]),
        at="ingress",
    ),
]

BUCKET = replace(resource("aws:s3/bucket:Bucket", "bucket"), protect=True)


def beside_bucket(kind: str, bucket: Resource = BUCKET, **inputs: Any) -> Resource:
    """A setting of the bucket in a resource of its own."""
    token = f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"
    return resource(token, kind, inputs=inputs, refers={"bucket": bucket})


def bucket_with(kind: str, **inputs: Any) -> Graph:
    """The bucket and one setting beside it."""
    return graph(BUCKET, beside_bucket(kind, **inputs))


def on_bucket(rule: str, keeps: Graph, breaks: Graph, *, note: str = "", at: str = "") -> Case:
    """A rule on the bucket itself."""
    return Case(rule=rule, note=note, keeps=keeps, breaks=breaks, at=at, on="bucket")


def tls(secure: str) -> str:
    """A bucket policy that denies what is not sent over TLS, by that condition."""
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {secure: "false"}},
    }
    return json.dumps({"Statement": [denied]})


def encryption(algorithm: str, *, bucket_key: bool = True) -> dict[str, Any]:
    """One rule of encryption."""
    return {"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm}, "bucketKeyEnabled": bucket_key}


BLOCKED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
TIDY = {
    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
    "noncurrentVersionExpiration": {"noncurrentDays": 30},
}
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
GOOD_LUSTRE = {
    "deploymentType": "PERSISTENT_2",
    "efaEnabled": True,
    "storageCapacity": 4800,
    "perUnitStorageThroughput": 250,
}
STORE_GROUP = resource("aws:ec2/securityGroup:SecurityGroup", "store")


def let_in(*ranges: tuple[int, int]) -> list[Resource]:
    """Ingress rules of the store's group for these ports."""
    kind = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    return [
        resource(
            kind,
            f"in-{first}",
            inputs={"ipProtocol": "tcp", "fromPort": first, "toPort": last},
            refers={"securityGroupId": STORE_GROUP},
        )
        for first, last in ranges
    ]


def lustre(**inputs: Any) -> Graph:
    """A Lustre file system that is kept, changed by *inputs*."""
    return graph(replace(resource(LUSTRE, inputs=GOOD_LUSTRE | inputs), protect=True))


def lustre_behind(*ranges: tuple[int, int]) -> Graph:
    """A Lustre file system behind a group that lets these ports in."""
    store = resource(LUSTRE, inputs=GOOD_LUSTRE, refers={"securityGroupIds": STORE_GROUP})
    return graph(STORE_GROUP, *let_in(*ranges), store)


def mounted(group: Resource, *ranges: tuple[int, int]) -> Graph:
    """An EFS mount target behind *group*."""
    return graph(group, *let_in(*ranges), resource("aws:efs/mountTarget:MountTarget", refers={"securityGroups": group}))


def one(kind: str, **inputs: Any) -> Graph:
    """A graph of one resource."""
    return graph(resource(kind, inputs=inputs))


EFS = "aws:efs/fileSystem:FileSystem"
REGISTRY = "aws:ecr/repository:Repository"

STORAGE = [
    Case(rule="data-protected", keeps=graph(BUCKET), breaks=graph(replace(BUCKET, protect=False)), at="", on="bucket"),
    on_bucket("s3-public", bucket_with("BucketPublicAccessBlock", **BLOCKED), graph(BUCKET)),
    on_bucket(
        "s3-public",
        bucket_with("BucketPublicAccessBlock", **BLOCKED),
        bucket_with("BucketPublicAccessBlock", **(BLOCKED | {"blockPublicAcls": False})),
        note="one switch off",
    ),
    on_bucket(
        "s3-encrypted",
        bucket_with("BucketServerSideEncryptionConfiguration", rules=[encryption("aws:kms")]),
        graph(BUCKET),
    ),
    Case(
        rule="s3-key",
        keeps=bucket_with("BucketServerSideEncryptionConfiguration", rules=[encryption("aws:kms")]),
        breaks=bucket_with("BucketServerSideEncryptionConfiguration", rules=[encryption("AES256")]),
        at="rules[0]",
        on="BucketServerSideEncryptionConfiguration",
    ),
    Case(
        rule="s3-key",
        note="bucket key off",
        keeps=graph(
            BUCKET,
            beside_bucket("BucketServerSideEncryptionConfiguration", rules=[encryption("AES256")]),
            resource("aws:s3/bucketLogging:BucketLogging", "logging", refers={"targetBucket": BUCKET}),
        ),
        breaks=bucket_with("BucketServerSideEncryptionConfiguration", rules=[encryption("aws:kms", bucket_key=False)]),
        at="rules[0].bucketKeyEnabled",
        on="BucketServerSideEncryptionConfiguration",
    ),
    on_bucket(
        "s3-versioned",
        bucket_with("BucketVersioning", versioningConfiguration={"status": "Enabled"}),
        bucket_with("BucketVersioning", versioningConfiguration={"status": "Suspended"}),
    ),
    on_bucket(
        "s3-tls",
        bucket_with("BucketPolicy", policy=tls("aws:SecureTransport")),
        bucket_with("BucketPolicy", policy=tls("aws:SourceIp")),
    ),
    on_bucket(
        "s3-tidy",
        bucket_with("BucketLifecycleConfiguration", rules=[TIDY]),
        bucket_with("BucketLifecycleConfiguration", rules=[TIDY | {"abortIncompleteMultipartUpload": None}]),
    ),
    Case(
        rule="s3-force-destroy",
        keeps=one("aws:s3/bucket:Bucket"),
        breaks=one("aws:s3/bucket:Bucket", forceDestroy=True),
        at="forceDestroy",
    ),
    on_bucket(
        "s3-acls",
        bucket_with("BucketOwnershipControls", rule={"objectOwnership": "BucketOwnerEnforced"}),
        bucket_with("BucketOwnershipControls", rule={"objectOwnership": "ObjectWriter"}),
    ),
    on_bucket(
        "s3-mixed",
        bucket_with("BucketVersioning", versioningConfiguration={"status": "Enabled"}),
        graph(
            twice := replace(BUCKET, inputs={"versioning": {"enabled": True}}), beside_bucket("BucketVersioning", twice)
        ),
        at="versioning",
    ),
    Case(
        rule="s3-logged",
        keeps=graph(BUCKET, beside_bucket("BucketLogging")),
        breaks=graph(BUCKET),
        at="",
        on="bucket",
    ),
    Case(
        rule="fsx-ports",
        note="ai-on-eks opened 1021 to 1023 only",
        keeps=lustre_behind((988, 988), (1018, 1023)),
        breaks=lustre_behind((988, 988), (1021, 1023)),
        at="securityGroupIds",
    ),
    Case(rule="fsx-efa", keeps=lustre(), breaks=lustre(deploymentType="SCRATCH_2"), at="efaEnabled"),
    Case(rule="fsx-capacity", keeps=lustre(), breaks=lustre(storageCapacity=3600), at="storageCapacity"),
    Case(
        rule="fsx-throughput",
        keeps=lustre(),
        breaks=lustre(perUnitStorageThroughput=200),
        at="perUnitStorageThroughput",
    ),
    Case(
        rule="efs-ports",
        keeps=mounted(STORE_GROUP, (2049, 2049)),
        breaks=mounted(STORE_GROUP, (443, 443)),
        at="securityGroups",
    ),
    Case(
        rule="efs-own-group", keeps=mounted(STORE_GROUP, (2049, 2049)), breaks=mounted(cluster()), at="securityGroups"
    ),
    Case(rule="efs-encrypted", keeps=one(EFS, encrypted=True), breaks=one(EFS), at="encrypted"),
    Case(
        rule="ecr-immutable",
        keeps=one(REGISTRY, imageTagMutability="IMMUTABLE"),
        breaks=one(REGISTRY),
        at="imageTagMutability",
    ),
    Case(
        rule="ecr-scanned",
        keeps=one(REGISTRY, imageScanningConfiguration={"scanOnPush": True}),
        breaks=one(REGISTRY),
        at="imageScanningConfiguration.scanOnPush",
    ),
]


def allowing(action: str | list[str], on: str = "arn:aws:s3:::models") -> str:
    """A permission policy."""
    return json.dumps({"Statement": {"Effect": "Allow", "Action": action, "Resource": on}})


def trusting(*actions: str, **principal: str) -> Graph:
    """A role with this trust policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions)}
    return one("aws:iam/role:Role", assumeRolePolicy=json.dumps({"Statement": [statement]}))


def with_policy(policy: str) -> Graph:
    """A role policy."""
    return one("aws:iam/rolePolicy:RolePolicy", policy=policy)


def attached(name: str) -> Graph:
    """A managed policy attached to a role."""
    return one("aws:iam/rolePolicyAttachment:RolePolicyAttachment", policyArn=f"arn:aws:iam::aws:policy/{name}")


KEY = "aws:kms/key:Key"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  a type
PODS = "pods.eks.amazonaws.com"
EVERYBODY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]})
OURSELVES = EVERYBODY.replace('"Principal": "*"', '"Principal": {"AWS": "arn:aws:iam::123456789012:root"}')
FSX = "arn:aws:iam::aws:policy/AmazonFSxFullAccess"

IDENTITIES = [
    Case(
        rule="iam-any-action",
        keeps=with_policy(allowing("s3:GetObject")),
        breaks=with_policy(allowing("s3:*")),
        at="policy",
    ),
    Case(
        rule="iam-any-resource",
        keeps=with_policy(allowing(["ec2:DescribeInstances"], "*")),
        breaks=with_policy(allowing(["ec2:RunInstances"], "*")),
        at="policy",
    ),
    Case(
        rule="iam-full-access",
        keeps=attached("AmazonEKSWorkerNodePolicy"),
        breaks=attached("AmazonFSxFullAccess"),
        at="policyArn",
    ),
    Case(
        rule="iam-full-access-on-role",
        keeps=one("aws:iam/role:Role", managedPolicyArns=["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"]),
        breaks=one("aws:iam/role:Role", managedPolicyArns=[FSX]),
        at="managedPolicyArns[0]",
    ),
    Case(
        rule="iam-trust",
        keeps=trusting("sts:AssumeRole", AWS="arn:aws:iam::123456789012:root"),
        breaks=trusting("sts:AssumeRole", AWS="*"),
        at="assumeRolePolicy",
    ),
    Case(
        rule="pod-identity-session-tags",
        keeps=trusting("sts:AssumeRole", "sts:TagSession", Service=PODS),
        breaks=trusting("sts:AssumeRole", Service=PODS),
        at="assumeRolePolicy",
    ),
    Case(rule="kms-rotation", keeps=one(KEY, enableKeyRotation=True), breaks=one(KEY), at="enableKeyRotation"),
    Case(rule="kms-for-everybody", keeps=one(KEY, policy=OURSELVES), breaks=one(KEY, policy=EVERYBODY), at="policy"),
    Case(rule="log-retention", keeps=one(LOGS, retentionInDays=90), breaks=one(LOGS), at="retentionInDays"),
    Case(rule="log-encrypted", keeps=one(LOGS, kmsKeyId=Unknown()), breaks=one(LOGS), at="kmsKeyId"),
    Case(
        rule="secret-recovery",
        keeps=one(SECRET, recoveryWindowInDays=30),
        breaks=one(SECRET, recoveryWindowInDays=0),
        at="recoveryWindowInDays",
    ),
]

CASES = [*CLUSTERS, *NETWORKS, *STORAGE, *IDENTITIES]
