"""Reading `pulumi stack export`: what is kept, and what is refused with its reason."""

from __future__ import annotations

import json
import math
from typing import Any

import pulumi
import pytest

from components.graph import Asset, Encrypted, Secret, Unknown
from infra.diff.changes import PendingOperation
from infra.diff.errors import InvalidState
from infra.diff.state import BYTES, FLOAT, read_state
from infra.recorder.wire import OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN
from tests.recordings import PROJECT, STACK, Disk, exported_state

DISK: dict[str, Any] = {
    "urn": "urn:pulumi:dev::shop::toy:storage/disk:Disk::d",
    "type": "toy:storage/disk:Disk",
    "custom": True,
    "id": "disk-1",
    "inputs": {"size": 10.0, "__defaults": ["label"]},
    "outputs": {"size": 10, "address": "10.0.0.1"},
    "provider": "urn:pulumi:dev::shop::pulumi:providers:toy::default::04da",
    "protect": True,
}


def read(document: object):
    return read_state(
        document if isinstance(document, str) else json.dumps(document),
        source="prod.json",
        project=PROJECT,
        stack=STACK,
    )


def state(*resources: dict[str, object], **more: object) -> dict[str, object]:
    return {"version": 3, "deployment": {"resources": list(resources), **more}}


def test_a_resource_keeps_its_inputs_id_and_outputs():
    """Whole numbers are whole, the provider is known by its URN, and bookkeeping of the provider stays for the diff."""
    base = read(state(DISK))
    (entry,) = base.entries
    assert (entry.id, entry.outputs["address"]) == ("disk-1", "10.0.0.1")
    assert entry.resource.inputs == {"__defaults": ["label"], "size": 10}
    assert entry.resource.provider == "urn:pulumi:dev::shop::pulumi:providers:toy::default"
    assert entry.resource.protect


def test_everything_that_decides_on_the_next_step_is_kept():
    """ResourceV3 of sdk/go/common/apitype/core.go: options of the program, and marks that commands leave."""
    root = "urn:pulumi:dev::shop::toy:storage/disk:Disk::other"
    marked = {
        **DISK,
        "retainOnDelete": True,
        "deletedWith": root,
        "replaceWith": [root],
        "replacementTrigger": "2026-08",
        "replaceOnChanges": ["size"],
        "ignoreChanges": ["label"],
        "hideDiff": ["size"],
        "importID": "by-hand",
        "aliases": [root],
        "propertyDependencies": {"size": [root], "label": []},
        "taint": True,
        "pendingReplacement": True,
        "initErrors": ["timed out"],
        "refreshBeforeUpdate": True,
    }
    base = read(state(marked))
    (entry,) = base.entries
    resource = entry.resource
    assert (resource.retain_on_delete, resource.deleted_with, resource.replace_with) == (True, root, (root,))
    assert (resource.replacement_trigger, resource.import_id, resource.aliases) == ("2026-08", "by-hand", (root,))
    assert (resource.replace_on_changes, resource.ignore_changes, resource.hide_diff) == (
        ("size",),
        ("label",),
        ("size",),
    )
    assert resource.property_dependencies == {"size": (root,)}
    assert (entry.tainted, entry.pending_replacement, entry.init_errors) == (True, True, ("timed out",))
    assert base.notes == ("read anew from the cloud before they are compared, which is not done here: d",)


def test_views_of_other_resources_are_left_out():
    """Engine, GenerateDeletes: the resource that a view belongs to tells what happens to it."""
    view = {**DISK, "urn": f"{DISK['urn']}-view", "viewOf": DISK["urn"]}
    assert [entry.id for entry in read({**state(DISK, view), "version": 4, "features": ["views"]}).entries] == [
        "disk-1"
    ]


def test_values_that_json_has_not_are_read_by_their_signatures():
    """DeserializePropertyValue in pkg/resource/stack/deployment.go: infinity as its bits, resources by their URN."""
    infinity = {SIGNATURE: FLOAT, "value": "7ff0000000000000"}
    reference = {SIGNATURE: RESOURCE, "urn": DISK["urn"], "id": "disk-1"}
    output = {SIGNATURE: OUTPUT, "value": 3, "secret": True}
    inputs = {"a": infinity, "b": reference, "c": output, "d": {SIGNATURE: BYTES, "value": "/w=="}, "e": UNKNOWN}
    (entry,) = read(state({**DISK, "inputs": inputs})).entries
    found = entry.resource.inputs
    assert (found["a"], found["b"], found["c"]) == (math.inf, {"urn": DISK["urn"]}, Secret(3))
    assert (found["d"], found["e"]) == (Asset("bytes:/w=="), Unknown())


def test_versions_3_and_4_are_read_and_a_new_stack_is_empty():
    """Version 4 lists its features; a stack that was made and never deployed has no resources."""
    assert len(read({**state(DISK), "version": 4, "features": ["refreshBeforeUpdate"]}).entries) == 1
    assert read({"version": 3, "deployment": {"manifest": {}}}).entries == ()
    assert read({"version": 3, "deployment": None}).entries == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "is not JSON"),
        (json.dumps(state(DISK))[:-30], "is not JSON"),
        ("[]", "is not a stack export"),
        ({"resources": []}, "is not a stack export"),
        ({"version": 2, "deployment": {}}, "has format version 2; known are 3 and 4"),
        ({"deployment": {}}, "has format version None"),
        (
            {"version": 4, "features": ["time-travel"], "deployment": {}},
            "features that are not known here: time-travel",
        ),
        ({"version": 3, "deployment": {"resources": {}}}, "its `resources` is not a list"),
        (state({"type": "x"}), "resource 0 cannot be read"),
        (state(DISK, {**DISK, "urn": "nonsense"}), "resource 1 cannot be read"),
        (state({**DISK, "inputs": {"a": {SIGNATURE: SECRET}}}), "resource 0 cannot be read"),
        (
            state({**DISK, "inputs": {"a": {SIGNATURE: "of tomorrow"}}}),
            "the signature 'of tomorrow', which is not known",
        ),
        (state({**DISK, "inputs": {"a": {SIGNATURE: SECRET, "plaintext": "{"}}}), "resource 0 cannot be read"),
        (state(pending_operations=[{}]), "a pending operation cannot be read"),
        (state({**DISK, "urn": DISK["urn"].replace("dev", "prod")}), "is of stack 'prod' in project 'shop'"),
    ],
)
def test_a_damaged_or_foreign_state_is_refused_with_its_reason(document, message):
    """One clear sentence with the file's name, and how to get a good one."""
    with pytest.raises(InvalidState) as caught:
        read(document)
    assert message in str(caught.value)
    assert str(caught.value).startswith("prod.json: ")
    assert "hint: " in str(caught.value)


def test_secrets_are_wrapped_whether_they_can_be_read_or_not():
    """`--show-secrets` gives plain texts; without it they are ciphertext, and a note says what that means."""

    def program():
        Disk("d", label=pulumi.Output.secret("hush"))

    shown = read(exported_state(program))
    hidden = read(exported_state(program, encrypted=True))
    assert shown.entries[-1].resource.inputs["label"] == Secret("hush")
    assert hidden.entries[-1].resource.inputs["label"] == Secret(Encrypted("v1:AAAA"))
    assert shown.notes == ()
    assert hidden.notes[0].startswith("1 resource holds secrets that are encrypted")
    assert "hush" not in repr(shown)


def test_what_an_interrupted_run_left_is_surfaced():
    """Operations that were under way, and the old half of a replacement that still has to be deleted."""
    base = read(
        state(
            DISK,
            {**DISK, "id": "disk-0", "delete": True},
            pending_operations=[{"resource": DISK, "type": "creating"}],
        )
    )
    assert base.pending == (PendingOperation(urn=DISK["urn"], type=DISK["type"], operation="creating"),)
    assert [entry.delete for entry in base.entries] == [False, True]
    assert base.by_urn[DISK["urn"]].id == "disk-1"


def test_the_stacks_outputs_are_those_of_its_root():
    """They are the outputs of the stack resource."""
    root: dict[str, object] = {
        "urn": "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev",
        "type": "pulumi:pulumi:Stack",
        "outputs": {"address": "10.0.0.1"},
    }
    assert read(state(root, DISK)).outputs == {"address": "10.0.0.1"}


def test_a_file_backends_checkpoint_is_read_too():
    """The same deployment, one level deeper."""
    assert len(read({"version": 3, "checkpoint": {"latest": {"resources": [DISK]}}}).entries) == 1
