"""Keys: rotated, kept, and used by nobody who is not named."""

from __future__ import annotations

import functools
import json

from components.aws.encryption import LogKey, LogKeyArgs, account_of, key_policy, log_key_policy
from tests.recording import Registered, only, recorded

ARN = "arn:aws:kms:us-east-1:123456789012:key/1a2b"


@functools.cache
def log_key() -> tuple[Registered, ...]:
    def program() -> None:
        LogKey("logs", LogKeyArgs(cluster_name="sizeup-test"))

    return recorded(program)


def test_the_account_is_in_the_arn():
    """Fifth of the six parts."""
    assert account_of(ARN) == "123456789012"


def test_a_key_is_administered_by_its_account_and_used_by_nobody_else():
    """One statement, for the account's root: it hands permissions on through IAM."""
    (statement,) = json.loads(key_policy(ARN))["Statement"]
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "kms:*")


def test_cloudwatch_may_use_the_log_key_for_this_accounts_groups_only():
    """Of the key's own region and account, as the ARN tells; also in other partitions than AWS's first."""
    account, logs = json.loads(log_key_policy(ARN))["Statement"]
    assert account == json.loads(key_policy(ARN))["Statement"][0]
    assert logs["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    groups = "arn:aws:logs:us-east-1:123456789012:log-group:*"
    assert logs["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}
    assert not {"kms:*", "*"} & set(logs["Action"])
    china = json.loads(log_key_policy(ARN.replace("aws:kms:us-east-1", "aws-cn:kms:cn-north-1")))["Statement"]
    assert china[0]["Principal"] == {"AWS": "arn:aws-cn:iam::123456789012:root"}


def test_the_log_key_outlives_the_logs():
    """Rotated every year, protected, and left where it is when the stack goes; its policy stays with it."""
    key, policy = only(log_key(), ":Key"), only(log_key(), ":KeyPolicy")
    assert key.inputs["enableKeyRotation"] is True
    assert (key.protect, key.retain_on_delete) == (True, True)
    assert (policy.protect, policy.retain_on_delete) == (True, True)
    assert json.loads(policy.inputs["policy"]) == json.loads(
        log_key_policy("arn:aws:kms:us-east-1:123456789012:key/logs-key")
    )
