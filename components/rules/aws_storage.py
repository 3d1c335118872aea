"""Rules on buckets of AWS, and on keeping whatever holds data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.graph import Resource, Value
from components.rules.policy_documents import statements
from components.rules.reading import (
    Mistake,
    behind,
    each,
    inside,
    is_absent,
    is_off,
    is_unknown_or_absent,
    items,
    must_be,
    pointing_at,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, truth

BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
KEY = "aws:kms/key:Key"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
EFS = "aws:efs/fileSystem:FileSystem"
CLUSTER = "aws:eks/cluster:Cluster"
_ALL_BLOCKED = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_INLINE: Mapping[str, tuple[str, ...]] = {
    "versioning": (VERSIONING,),
    "serverSideEncryptionConfiguration": (ENCRYPTION,),
    "lifecycleRules": (LIFECYCLE,),
    "policy": (POLICY,),
}


def _public(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    blocks = pointing_at(bucket, "bucket", among, BLOCK)
    if not blocks:
        yield "", "nothing keeps it from being made public"
    for block in blocks:
        open_ones = [key for key in _ALL_BLOCKED if is_off(stated(block, key))]
        if open_ones:
            yield "", f"{block.name} leaves out {', '.join(open_ones)}"


def _encrypted(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    if not pointing_at(bucket, "bucket", among, ENCRYPTION) and is_absent(
        stated(bucket, "serverSideEncryptionConfiguration")
    ):
        yield "", "no key of the account's own encrypts it"


def _own_key(configuration: Resource, among: Surroundings) -> Iterator[Mistake]:
    if any(
        pointing_at(bucket, "targetBucket", among, LOGGING) for bucket in behind(configuration, "bucket", among, BUCKET)
    ):
        return  # S3 delivers access logs to buckets with its own encryption only
    for place, rule in enumerate(items(stated(configuration, "rules"))):
        algorithm = inside(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm")
        if not is_unknown(algorithm) and not str(algorithm).startswith("aws:kms"):
            yield f"rules[{place}]", f"is {shown(algorithm)}: who may read objects is not in the account's hands"
        elif is_off(inside(rule, "bucketKeyEnabled")):
            yield f"rules[{place}].bucketKeyEnabled", "is off: each object that is read is a paid call to KMS"


def _versioned(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    found = pointing_at(bucket, "bucket", among, VERSIONING)
    states = [stated(one, "versioningConfiguration", "status") for one in found]
    inline = truth(stated(bucket, "versioning", "enabled")) or is_unknown(stated(bucket, "versioning"))
    if not inline and not any(is_unknown(state) or state == "Enabled" for state in states):
        yield "", "weights that are overwritten or deleted cannot be brought back"


def _tls(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    policies = [stated(one, "policy") for one in pointing_at(bucket, "bucket", among, POLICY)]
    known = [policy for policy in policies if not is_unknown(policy)]
    if len(known) == len(policies) and not any(_denies_clear_text(policy) for policy in known):
        yield "", "nothing refuses requests without TLS"


def _denies_clear_text(policy: Value) -> bool:
    return any(not one.allows and "aws:securetransport" in str(one.conditions).lower() for one in statements(policy))


def _tidy(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    rules = [rule for one in pointing_at(bucket, "bucket", among, LIFECYCLE) for rule in _lifecycle_rules(one)]
    rules += items(stated(bucket, "lifecycleRules"))
    if not rules:
        yield "", "no lifecycle rule: what nobody sees is billed for ever"
        return
    for key, what in (
        ("abortIncompleteMultipartUpload", "parts of uploads that never ended are billed for ever"),
        ("noncurrentVersionExpiration", "versions that were replaced are billed for ever"),
    ):
        aborts = key == "abortIncompleteMultipartUpload"
        held = any(
            is_unknown(rule) or not is_absent(inside(rule, key)) or (aborts and _old_abort(rule)) for rule in rules
        )
        if not held:
            yield "", what


def _old_abort(rule: Value) -> bool:
    return not is_absent(inside(rule, "abortIncompleteMultipartUploadDays"))


def _lifecycle_rules(configuration: Resource) -> list[Value]:
    rules = stated(configuration, "rules")
    return [rules] if is_unknown(rules) else items(rules)


def _acls(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    owners = [stated(one, "rule", "objectOwnership") for one in pointing_at(bucket, "bucket", among, OWNERSHIP)]
    if not any(is_unknown(owner) or owner == "BucketOwnerEnforced" for owner in owners):
        yield "", "access lists are on: an object may be readable for whoever wrote it says"


def _logged(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    is_log = bool(pointing_at(bucket, "targetBucket", among, LOGGING))
    if not is_log and not pointing_at(bucket, "bucket", among, LOGGING) and is_absent(stated(bucket, "loggings")):
        yield "", "nothing tells who read the weights"


def _mixed(bucket: Resource, among: Surroundings) -> Iterator[Mistake]:
    for key, kinds in _INLINE.items():
        apart = pointing_at(bucket, "bucket", among, *kinds)
        if apart and not is_unknown_or_absent(stated(bucket, key)):
            yield key, f"is stated here and by {apart[0].name}: each run undoes the other's"


def _kept(store: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if not store.protect and not store.retain_on_delete:
        yield "", f"{store.name} goes, with what is in it, when a change replaces it or the stack is destroyed"


RULES: tuple[Rule, ...] = (
    Rule(
        id="data-protected",
        severity=Severity.ERROR,
        title="What keeps data, and the keys to it, are protected",
        why="a change that replaces it, or a destroy, takes the data with it",
        mend="pass opts=ResourceOptions(protect=True), and retain_on_delete=True where it outlives the stack",
        origin="pulumi best practices; no public rule",
        check=each((BUCKET, KEY, LUSTRE, EFS, CLUSTER), _kept),
    ),
    Rule(
        id="s3-public",
        severity=Severity.ERROR,
        title="Buckets cannot be made public",
        why="one wrong policy or access list shows weights to everybody",
        mend="add a BucketPublicAccessBlock with all four switches on",
        origin="checkov CKV_AWS_53, 54, 55, 56, CKV2_AWS_6",
        check=each(BUCKET, _public),
    ),
    Rule(
        id="s3-encrypted",
        severity=Severity.WARNING,
        title="Buckets are encrypted with a key of the account's own",
        why="who may read objects is decided by bucket policies alone",
        mend="add a BucketServerSideEncryptionConfiguration with aws:kms and a key",
        origin="checkov CKV_AWS_19, CKV_AWS_145",
        check=each(BUCKET, _encrypted),
    ),
    Rule(
        id="s3-key",
        severity=Severity.WARNING,
        title="Encryption of a bucket is by KMS, with a bucket key",
        why="without KMS nobody can be shut out by key; without a bucket key every read object is a paid call",
        mend='set sse_algorithm="aws:kms" and bucket_key_enabled=True',
        origin="checkov CKV_AWS_145; AWS S3 bucket keys",
        check=each(ENCRYPTION, _own_key),
    ),
    Rule(
        id="s3-versioned",
        severity=Severity.WARNING,
        title="Buckets keep what is overwritten or deleted for a while",
        why="a wrong upload or delete cannot be undone",
        mend='add a BucketVersioning with status="Enabled"',
        origin="checkov CKV_AWS_21",
        check=each(BUCKET, _versioned),
    ),
    Rule(
        id="s3-tls",
        severity=Severity.ERROR,
        title="Buckets refuse requests without TLS",
        why="weights and tokens go over the wire in clear",
        mend="add a BucketPolicy that denies where aws:SecureTransport is false",
        origin="checkov CKV_AWS_379",
        check=each(BUCKET, _tls),
    ),
    Rule(
        id="s3-tidy",
        severity=Severity.WARNING,
        title="Unfinished uploads and old versions of a bucket end some day",
        why="a checkpoint of hundreds of GB whose upload broke off is billed for ever, and nobody sees it",
        mend="add lifecycle rules with abort_incomplete_multipart_upload and noncurrent_version_expiration",
        origin="checkov CKV_AWS_300, CKV2_AWS_61",
        check=each(BUCKET, _tidy),
    ),
    Rule(
        id="s3-force-destroy",
        severity=Severity.ERROR,
        title="No bucket is deleted with what is in it",
        why="a destroy takes checkpoints and weights with it",
        mend="leave force_destroy out",
        origin="ai-on-eks fsx bucket",
        check=must_be(BUCKET, "forceDestroy", False),
    ),
    Rule(
        id="s3-acls",
        severity=Severity.WARNING,
        title="Buckets know no access lists",
        why="an object may be readable by whom its writer named, whatever the bucket's policy says",
        mend='add BucketOwnershipControls with object_ownership="BucketOwnerEnforced"',
        origin="checkov CKV2_AWS_65",
        check=each(BUCKET, _acls),
    ),
    Rule(
        id="s3-logged",
        severity=Severity.WARNING,
        title="Buckets tell who reads them",
        why="after a leak nobody can say which weights left, and to whom",
        mend="add a BucketLogging into a bucket for logs",
        origin="checkov CKV_AWS_18",
        check=each(BUCKET, _logged),
    ),
    Rule(
        id="s3-mixed",
        severity=Severity.WARNING,
        title="A setting of a bucket is stated in it or beside it, not both",
        why="each run undoes what the other wrote, for ever",
        mend="keep the resource beside it",
        origin="pulumi aws.s3.Bucket documentation",
        check=each(BUCKET, _mixed),
    ),
)
