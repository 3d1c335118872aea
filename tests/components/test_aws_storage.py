"""The model bucket: private, encrypted, versioned, kept."""

from __future__ import annotations

import functools
import json

from components.aws.storage import ModelBucket, ModelBucketArgs, tls_only_policy
from sizing.plan import Bucket
from tests.recording import Registered, only, recorded


@functools.cache
def bucket() -> tuple[Registered, ...]:
    def program() -> None:
        planned = Bucket(name="models", region="us-east-1", tier="STANDARD", bytes=10**11, usd_per_gb_month=0.023)
        ModelBucket("models", ModelBucketArgs(bucket=planned, access_log_bucket="access-log-1a2b"))

    return recorded(program)


def test_the_bucket_and_its_key_outlive_the_stack():
    """Protected from deletion, and left where they are if they are taken out of the program."""
    for kind in (":Bucket", ":Key"):
        kept = only(bucket(), kind)
        assert (kept.protect, kept.retain_on_delete) == (True, True)


def test_nothing_can_make_it_public():
    """All four blocks are on, and access lists are off."""
    block = only(bucket(), ":BucketPublicAccessBlock").inputs
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[switch] for switch in switches] == [True] * 4
    ownership = only(bucket(), ":BucketOwnershipControls").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_objects_are_encrypted_under_its_own_rotating_key():
    """The bucket key spares a call to KMS for each object."""
    (rule,) = only(bucket(), ":BucketServerSideEncryptionConfiguration").inputs["rules"]
    key = "arn:aws:kms:us-east-1:123456789012:key/models-key"
    assert rule["applyServerSideEncryptionByDefault"] == {"kmsMasterKeyId": key, "sseAlgorithm": "aws:kms"}
    assert rule["bucketKeyEnabled"] is True
    assert only(bucket(), ":Key").inputs["enableKeyRotation"] is True


def test_whoever_speaks_without_tls_is_denied():
    """Of the bucket and of everything in it."""
    (statement,) = json.loads(only(bucket(), ":BucketPolicy").inputs["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:models-bucket", "arn:models-bucket/*"]
    assert json.loads(tls_only_policy("arn:models-bucket"))["Statement"] == [statement]


def test_what_nobody_can_see_is_not_billed_for_ever():
    """Parts of broken uploads go after 7 days, old versions after 30; old versions exist at all."""
    (rule,) = only(bucket(), ":BucketLifecycleConfiguration").inputs["rules"]
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert only(bucket(), ":BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_reads_are_told_in_the_access_log():
    """Under the bucket's own name, so that one log can tell of several buckets."""
    logging = only(bucket(), ":BucketLogging").inputs
    assert (logging["targetBucket"], logging["targetPrefix"]) == ("access-log-1a2b", "models/")
