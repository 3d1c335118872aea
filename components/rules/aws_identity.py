"""Rules on who may do what on AWS: roles, policies, keys of encryption; and how long records are kept."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Resource, Value
from components.rules.policy_documents import statements
from components.rules.reading import Mistake, each, inside, is_unknown_or_absent, items, must_be, stated
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, text, whole

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
)
KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  a type
POD_IDENTITY_SERVICE = "pods.eks.amazonaws.com"
_READS = ("describe", "get", "list", "batchget", "lookup")
_TOO_MUCH = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")


def _policies(resource: Resource) -> Iterator[tuple[str, Value]]:
    """The permission policies that a resource carries, with their paths."""
    if resource.type in {POLICY, ROLE_POLICY}:
        yield "policy", stated(resource, "policy")
    for place, one in enumerate(items(stated(resource, "inlinePolicies"))):
        yield f"inlinePolicies[{place}].policy", inside(one, "policy")


def _any_action(resource: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    for path, policy in _policies(resource):
        for one in statements(policy):
            wide = [action for action in one.actions if action == "*" or action.endswith(":*")]
            if one.allows and wide:
                yield path, f"allows {', '.join(wide)}"


def _any_resource(resource: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    for path, policy in _policies(resource):
        for one in statements(policy):
            acting = [action for action in one.actions if not _only_reads(action)]
            if one.allows and "*" in one.resources and acting and not one.conditions:
                yield path, f"allows {', '.join(acting)} on every resource"


def _only_reads(action: str) -> bool:
    return action.partition(":")[2].startswith(_READS) or action == "ecr:getauthorizationtoken"


def _full_access(attachment: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    name = (text(stated(attachment, "policyArn")) or "").rpartition("/")[2]
    if name.endswith("FullAccess") or name in _TOO_MUCH:
        yield "policyArn", f"{name} allows everything there is of a service"


def _managed_on_role(role: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    for place, arn in enumerate(items(stated(role, "managedPolicyArns"))):
        name = (text(arn) or "").rpartition("/")[2]
        if name.endswith("FullAccess") or name in _TOO_MUCH:
            yield f"managedPolicyArns[{place}]", f"{name} allows everything there is of a service"


def _trust(role: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if any(one.is_for_everybody for one in statements(stated(role, "assumeRolePolicy"))):
        yield "assumeRolePolicy", "any account may take the role"


def _tag_session(role: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    trusting = [
        one
        for one in statements(stated(role, "assumeRolePolicy"))
        if one.allows and POD_IDENTITY_SERVICE in one.principals.get("Service", ())
    ]
    allowed = {action for one in trusting for action in one.actions}
    for action in ("sts:assumerole", "sts:tagsession"):
        if trusting and action not in allowed:
            spelled = {"sts:assumerole": "sts:AssumeRole", "sts:tagsession": "sts:TagSession"}[action]
            yield "assumeRolePolicy", f"{POD_IDENTITY_SERVICE} may not {spelled}"


def _key_for_everybody(key: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if any(one.is_for_everybody for one in statements(stated(key, "policy"))):
        yield "policy", "any account may use the key"


def _kept_for_ever(group: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    days = stated(group, "retentionInDays")
    if not is_unknown(days) and not whole(days):
        yield "retentionInDays", "is not stated: records are kept, and billed, for ever"


def _no_recovery(secret: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    days = stated(secret, "recoveryWindowInDays")
    if not is_unknown_or_absent(days) and whole(days) == 0:
        yield "recoveryWindowInDays", "is 0: a secret that is deleted by mistake is gone"


RULES: tuple[Rule, ...] = (
    Rule(
        id="iam-any-action",
        severity=Severity.ERROR,
        title="No policy allows every action, or every action of a service",
        why="whoever gets hold of the role may do everything",
        mend="name the actions",
        origin="checkov CKV_AWS_63, CKV_AWS_62",
        check=each((POLICY, ROLE_POLICY, ROLE), _any_action),
    ),
    Rule(
        id="iam-any-resource",
        severity=Severity.WARNING,
        title="No policy allows actions that change something on every resource",
        why="the role reaches what belongs to others: ec2:RunInstances on * starts any machine",
        mend="name the resources, or add a condition",
        origin="checkov CKV_AWS_355; ai-on-eks Karpenter policy",
        check=each((POLICY, ROLE_POLICY, ROLE), _any_resource),
    ),
    Rule(
        id="iam-full-access",
        severity=Severity.ERROR,
        title="No role has a managed policy of full access",
        why="AmazonFSxFullAccess and its kind let a pod delete every file system of the account",
        mend="write a policy of the actions that are needed",
        origin="awsome-distributed-training; checkov CKV_AWS_274",
        check=each(ATTACHMENTS, _full_access),
    ),
    Rule(
        id="iam-full-access-on-role",
        severity=Severity.ERROR,
        title="No role carries a managed policy of full access in itself",
        why="AmazonFSxFullAccess and its kind let a pod delete every file system of the account",
        mend="write a policy of the actions that are needed",
        origin="awsome-distributed-training; checkov CKV_AWS_274",
        check=each(ROLE, _managed_on_role),
    ),
    Rule(
        id="iam-trust",
        severity=Severity.ERROR,
        title="A role can be taken only by those it is for",
        why="any AWS account may take it",
        mend="name the principal, or add a condition",
        origin="checkov CKV_AWS_60",
        check=each(ROLE, _trust),
    ),
    Rule(
        id="pod-identity-session-tags",
        severity=Severity.ERROR,
        title="A role of pods lets EKS assume it and tag its sessions",
        why="pods get no credentials: EKS tags every session",
        mend="allow sts:AssumeRole and sts:TagSession to pods.eks.amazonaws.com",
        origin="AWS EKS pod identities: trust policy",
        check=each(ROLE, _tag_session),
    ),
    Rule(
        id="kms-rotation",
        severity=Severity.WARNING,
        title="Keys of encryption are rotated",
        why="a key that has leaked opens everything ever written with it",
        mend="set enable_key_rotation=True",
        origin="checkov CKV_AWS_7",
        check=must_be(KEY, "enableKeyRotation", True),
    ),
    Rule(
        id="kms-for-everybody",
        severity=Severity.ERROR,
        title="No key can be used by every account",
        why="the encryption protects from nobody",
        mend="name the principals in the key's policy",
        origin="checkov CKV_AWS_33",
        check=each((KEY, KEY_POLICY), _key_for_everybody),
    ),
    Rule(
        id="log-retention",
        severity=Severity.WARNING,
        title="Logs are kept for a stated time",
        why="CloudWatch keeps and bills them for ever",
        mend="set retention_in_days",
        origin="checkov CKV_AWS_66",
        check=each(LOG_GROUP, _kept_for_ever),
    ),
    Rule(
        id="log-encrypted",
        severity=Severity.WARNING,
        title="Logs are encrypted with a key of the account's own",
        why="who may read them is decided by IAM alone, and they tell who talked to whom",
        mend="set kms_key_id",
        origin="checkov CKV_AWS_158",
        check=must_be(LOG_GROUP, "kmsKeyId"),
    ),
    Rule(
        id="secret-recovery",
        severity=Severity.WARNING,
        title="A secret that is deleted can be brought back",
        why="a wrong destroy takes the only copy of a token with it",
        mend="leave recovery_window_in_days at 7 or more",
        origin="ai-on-eks: recovery window 0",
        check=each(SECRET, _no_recovery),
    ),
)
