"""The bucket of access logs: closed, kept for a year, written by S3 alone."""

from __future__ import annotations

import functools
import json

from components.aws.access_log import AccessLog, AccessLogArgs, delivery_policy
from tests.recording import Registered, only, recorded

ACCOUNT = "123456789012"


@functools.cache
def access_log() -> tuple[Registered, ...]:
    def program() -> None:
        AccessLog("access-log", AccessLogArgs(account_id=ACCOUNT))

    return recorded(program)


def test_s3_alone_may_write_and_only_for_buckets_of_this_account():
    """And nobody without TLS, whatever else would allow it."""
    delivery, tls = json.loads(delivery_policy("arn:logs", ACCOUNT))["Statement"]
    assert delivery["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert (delivery["Action"], delivery["Resource"]) == ("s3:PutObject", "arn:logs/*")
    assert delivery["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    written = only(access_log(), ":BucketPolicy").inputs["policy"]
    assert json.loads(written) == json.loads(delivery_policy("arn:access-log-bucket", ACCOUNT))


def test_it_is_encrypted_as_log_delivery_demands():
    """Under S3's own key: logs are not delivered into a bucket under KMS."""
    (rule,) = only(access_log(), ":BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}


def test_nothing_can_make_it_public():
    """All four blocks are on, and access lists are off."""
    block = only(access_log(), ":BucketPublicAccessBlock").inputs
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[switch] for switch in switches] == [True] * 4
    ownership = only(access_log(), ":BucketOwnershipControls").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_logs_outlive_the_stack_but_not_a_year():
    """Protected and kept; each log goes after 365 days, and what was deleted after 30 more."""
    kept = only(access_log(), ":Bucket")
    assert (kept.protect, kept.retain_on_delete) == (True, True)
    (rule,) = only(access_log(), ":BucketLifecycleConfiguration").inputs["rules"]
    assert rule["expiration"] == {"days": 365}
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert only(access_log(), ":BucketVersioning").inputs["versioningConfiguration"] == {"status": "Enabled"}
