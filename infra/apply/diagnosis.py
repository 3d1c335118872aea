"""What a failure of the engine or of a cloud was, told by what was said, and the mend for it.

The phrases are those that users of the clouds and of Pulumi report: eksctl-io/eksctl issue 4732 and
aws/containers-roadmap issue 2204 (no capacity on AWS), kubernetes/k8s.io issue 9834 and tranquilitybase-io/tb-gcp issue
589 (on Google Cloud), bentoml/bentoctl issue 202, kubernetes-sigs/sig-storage-local-static-provisioner pull 526 and
GoogleCloudPlatform/k8s-config-connector issue 321 (quotas), pulumi/pulumi-aws issues 192 and 3866 and pulumi/pulumi
issue 3482 (credentials); the engine's own are in backend/diy/lock.go and secrets/passphrase of pulumi/pulumi v3.259.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.diff.changes import Step
from infra.failures import ProgramFailed
from infra.render.pending import cancel_command


class Kind(StrEnum):
    """What went wrong."""

    CAPACITY = "no capacity"
    QUOTA = "quota"
    THROTTLED = "throttled"
    LOCKED = "locked"
    SECRETS = "secrets"
    LOGIN = "login"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    PROTECTED = "protected"
    PLUGIN = "plugin"
    CRASHED = "crashed"
    BROKEN = "broken"
    NOT_SHOWN = "not shown"
    CANCELLED = "cancelled"
    KILLED = "killed"
    TORN = "state torn"
    OTHER = "other"


_PHRASES: tuple[tuple[Kind, tuple[str, ...]], ...] = (  # the first that is found decides
    (Kind.CANCELLED, (r"update cancell?ed", r"preview cancell?ed", r"operation cancell?ed")),
    (Kind.TORN, (r"failed to load checkpoint: (EOF|unexpected end)",)),
    (Kind.KILLED, (r"code: -\d+",)),  # ended by a signal
    (Kind.LOCKED, (r"currently locked by", r"Another update is currently in progress")),
    (Kind.SECRETS, (r"passphrase must be set", r"incorrect passphrase", r"failed to decrypt")),
    (Kind.LOGIN, (r"PULUMI_ACCESS_TOKEN must be set", r"pulumi login")),
    (Kind.PROTECTED, (r"is protected", r"marked for protection")),
    (Kind.PLUGIN, (r"no (resource|language) plugin", r"failed to load (resource|language) plugin")),
    (Kind.CRASHED, (r"error reading from server: (connection reset|EOF)", r"exited prematurely")),
    (
        Kind.CAPACITY,
        (
            r"Insufficient(Instance|Host|ReservedInstance)?Capacity",
            r"do(es)? not (currently )?have (sufficient|enough)",
            r"STOCKOUT",
            r"RESOURCE_POOL_EXHAUSTED",
            r"UnfulfillableCapacity",
            r"UnsupportedAvailabilityZone",
        ),
    ),
    (
        Kind.QUOTA,
        (
            r"VcpuLimitExceeded",
            r"MaxSpotInstanceCountExceeded",
            r"ServiceQuotaExceeded",
            r"(?<!Request)(?<![Rr]ate)LimitExceeded",
            r"QUOTA_EXCEEDED",
            r"[Qq]uota '[^']+' exceeded",
            r"[Ii]nsufficient (regional |global |project )?quota",
        ),
    ),
    (
        Kind.THROTTLED,
        (
            r"Throttl",
            r"RequestLimitExceeded",
            r"TooManyRequests",
            r"[Rr]ate ?[Ll]imit",
            r"Rate exceeded",
            r"RESOURCE_EXHAUSTED",
            r"\b429\b",
            r"SlowDown",
        ),
    ),
    (
        Kind.CREDENTIALS,
        (
            r"[Nn]o valid credential sources",
            r"could not find default credentials",
            r"ExpiredToken",
            r"InvalidClientTokenId",
            r"SignatureDoesNotMatch",
            r"UNAUTHENTICATED",
            r"invalid_grant",
            r"Unauthorized\b",
        ),
    ),
    (
        Kind.PERMISSION,
        (r"AccessDenied", r"UnauthorizedOperation", r"PERMISSION_DENIED", r"is not authorized to", r"Forbidden"),
    ),
    (Kind.BROKEN, (r"'CREATE_FAILED'", r"in the error state", r"timeout while waiting for state")),
)
_EMPTY_WORDS = re.compile(r"(update|preview|destroy|refresh) failed|\d+ errors? occurred:")
_ZONE = re.compile(r"\b([a-z]{2}(?:-[a-z]+)+-\d[a-z]|[a-z]+-[a-z]+\d-[a-z])\b")
_MACHINE = re.compile(r"sufficient (\S+) capacity|\bA (\S+) VM instance|vmType: (\S+)")
_ELSEWHERE = re.compile(r"(?:choosing|zonesAvailable:|your request in the)\s+([a-z0-9, -]+[a-z])")
_QUOTA = re.compile(r"[Qq]uota '([^']+)'|resource:? \\*\"([A-Z0-9_]+)|(L-[0-9A-F]{8})")
_LIMIT = re.compile(r"limit of (\d+)|Limit: ([\d.]+)|quota (?:of|is) '?([\d.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One failure: what it was in a clause, in the words of whoever failed, and the mend."""

    kind: Kind
    what: str
    said: str  # the line of the engine or of the cloud that tells most
    mend: str

    def failure(self, context: str) -> ProgramFailed:
        """The error that ends the command, which was about *context*."""
        return ProgramFailed(f"{context}: {self.what}\n  {self.said}" if self.said else context, mend=self.mend)


def diagnosed(text: str, *, stack: str) -> Diagnosis:
    """What the failure was that *text* tells, of a run on *stack*."""
    for kind, phrases in _PHRASES:
        match = re.search("|".join(phrases), text)
        if match is not None:
            said = _line(text, match.start())
            what, mend = _WORDS[kind](said, stack)
            return Diagnosis(kind=kind, what=what, said=said, mend=mend)
    what, mend = _other("", stack)
    return Diagnosis(kind=Kind.OTHER, what=what, said=_telling_line(text), mend=mend)


def not_shown(step: Step, *, stack: str) -> Diagnosis:
    """Why a run was stopped that began *step*, which no preview had shown."""
    return Diagnosis(
        kind=Kind.NOT_SHOWN,
        what=f"the engine began to {step.op.value} {step.name}, which was not shown",
        said=step.urn,
        mend=f"something changed in between: run `sizeup up {stack}` again, and look at what it shows",
    )


def _line(text: str, position: int) -> str:
    """The line of *text* around *position*, without what programs put before it."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return _bare(text[start : len(text) if end < 0 else end])


def _telling_line(text: str) -> str:
    """The first line that calls itself an error, else the last line; what says only that it failed comes last."""
    written = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in written if not _EMPTY_WORDS.fullmatch(_bare(line))] or written
    called = [line for line in telling if line.startswith("error:")]
    return _bare((called or telling[-1:] or [""])[0])


def _bare(line: str) -> str:
    return line.strip().removeprefix("stderr:").strip().removeprefix("error:").removeprefix("* ").strip()


def _first(pattern: re.Pattern[str], said: str) -> str | None:
    found = pattern.search(said)
    return None if found is None else next(group for group in found.groups() if group)


def _capacity(said: str, stack: str) -> tuple[str, str]:
    machine, zone, elsewhere = _first(_MACHINE, said), _first(_ZONE, said), _first(_ELSEWHERE, said)
    what = f"there is no capacity for {machine or 'the machines'} in {zone or 'the zone'} now"
    there = f"the cloud names {elsewhere.strip(' ,')}; " if elsewhere else ""
    return what, (
        f"{there}run `sizeup up {stack}` again later, or leave {zone or 'that zone'} out: list the others under "
        f"sizeup:zones in stacks/Pulumi.{stack}.yaml, then `sizeup size {stack}` and `sizeup up {stack}`"
        f"{_made_anew(said, stack)}"
    )


def _made_anew(said: str, stack: str) -> str:
    """
    What has to be done before the next run where a node group was left in the state CREATE_FAILED.

    EKS never revives one (crossplane-contrib/provider-aws issue 1447), and Pulumi's provider updates what failed to
    come up instead of replacing it: pulumi-terraform-bridge of 2026-08-05 knows no tainted resources.
    """
    if "CREATE_FAILED" not in said:
        return ""
    return (
        "; the node group that failed never gets machines: have it made anew by then with `pulumi state taint URN "
        f"--stack {stack} --yes` (`pulumi stack --show-urns --stack {stack}` lists the URNs)"
    )


def _quota(said: str, stack: str) -> tuple[str, str]:
    name, limit = _first(_QUOTA, said), _first(_LIMIT, said)
    of = f" {name}" if name else ""
    is_now = f" is {float(limit):g}" if limit else ""
    region = _first(re.compile(r"in region ([a-z0-9-]+[a-z0-9])"), said)
    return f"the quota{of}{is_now}{f' in {region}' if region else ''}, too little for this", (
        "ask for more (AWS: Service Quotas; Google Cloud: IAM & Admin, Quotas) and run "
        f"`sizeup up {stack}` again, or allow other machines or regions in stacks/Pulumi.{stack}.yaml and size again"
        f"{_made_anew(said, stack)}"
    )


def _throttled(_said: str, stack: str) -> tuple[str, str]:
    return "the cloud's API takes no more calls for now", (
        f"wait some minutes, then run `sizeup up {stack}` again: it goes on with what is not done yet"
    )


def _locked(_said: str, stack: str) -> tuple[str, str]:
    return "another run holds its lock", (
        f"wait until that run has ended; if it no longer lives: {cancel_command(stack)}, and look at the state with "
        f"`sizeup preview {stack} --deployed`"
    )


def _killed(_said: str, stack: str) -> tuple[str, str]:
    return "the engine's process was killed", (
        f"`sizeup preview {stack} --deployed` tells what is pending; `sizeup up {stack}` tells the commands that "
        "settle it"
    )


def _always(what: str, mend: str) -> Callable[[str, str], tuple[str, str]]:
    def words(_said: str, stack: str) -> tuple[str, str]:
        return what, mend.format(stack=stack)

    return words


_other = _always(
    "the engine did not finish",
    "mend what it says, then run the command again; `sizeup preview {stack} --deployed` tells what there is",
)

_WORDS: Mapping[Kind, Callable[[str, str], tuple[str, str]]] = {
    Kind.KILLED: _killed,
    # A file backend writes a small file of attributes beside each state, and not in one step: killed in between, it
    # is empty and nothing can be read. The state itself is whole (observed with pulumi 3.259.0, one kill in ten).
    Kind.TORN: _always(
        "a killed run left an empty file of attributes beside it",
        "find FOLDER/.pulumi -name '*.attrs' -empty -delete, where file://FOLDER is the backend (pulumi whoami -v); "
        "the backend file://FOLDER?metadata=skip writes no such files",
    ),
    Kind.CAPACITY: _capacity,
    Kind.QUOTA: _quota,
    Kind.THROTTLED: _throttled,
    Kind.LOCKED: _locked,
    Kind.SECRETS: _always(
        "its secrets cannot be decrypted",
        "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase of the stack {stack}",
    ),
    Kind.LOGIN: _always(
        "no backend is chosen for the state",
        "pulumi login (Pulumi Cloud), or pulumi login s3://BUCKET, gs://BUCKET or file://FOLDER",
    ),
    Kind.CANCELLED: _always(
        "as it was told to",
        "`sizeup up {stack}` goes on with what is not done yet",
    ),
    Kind.PROTECTED: _always(
        "something protected would be destroyed",
        "`sizeup destroy {stack}` lists what is protected and how to release it",
    ),
    Kind.PLUGIN: _always(
        "the engine lacks a plugin",
        "pulumi plugin install (with network), or put the plugin on PATH",
    ),
    Kind.BROKEN: _always(
        "something was made and did not come up",
        "look in the cloud for why, and mend that; then have it made anew, as another run would leave it as it is: "
        "`pulumi state taint URN --stack {stack} --yes` (`pulumi stack --show-urns --stack {stack}` lists the URNs), "
        "and `sizeup up {stack}`",
    ),
    Kind.CRASHED: _always(
        "the process of a provider died",
        "what failed may be in the cloud all the same, and the state does not say so: look for it there by the tag or "
        "label sizeup-stack={stack}, and delete what the state lacks, or it will be there twice; then run "
        "`sizeup up {stack}` again",
    ),
    Kind.CREDENTIALS: _always(
        "the cloud does not know who asks",
        "log in: aws sso login or AWS_PROFILE, or gcloud auth application-default login; then run it again",
    ),
    Kind.PERMISSION: _always(
        "whoever is logged in may not do this",
        "have the permission that it names granted, or log in as someone who has it; then run it again",
    ),
}
