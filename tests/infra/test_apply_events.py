"""The engine's events as our steps; their form is that of apitype/events.go."""

from __future__ import annotations

import io
from typing import Any

from pulumi.automation import EngineEvent

from components.graph import Secret, Unknown
from infra.apply import events
from infra.apply.working import Working
from infra.diff.changes import ChangeKind, Op, Replaces
from infra.recorder.wire import UNKNOWN

URN = "urn:pulumi:dev::shop::toy:storage/disk:Disk::data"
TYPE = "toy:storage/disk:Disk"


def metadata(op: str, *, urn: str = URN, type_: str = TYPE, **more: Any) -> dict[str, Any]:
    """What an event says of one step."""
    side = {"type": type_, "urn": urn, "custom": True, "id": "d-1", "parent": "", "provider": ""}
    known: dict[str, Any] = {"op": op, "urn": urn, "type": type_, "provider": ""}
    if op != "create":
        known["old"] = {**side, "inputs": more.pop("old", {}), "delete": more.pop("is_half", False)}
    if op not in ("delete", "delete-replaced"):
        known["new"] = {**side, "inputs": more.pop("new", {})}
    return known | more


def begins(op: str, **more: Any) -> EngineEvent:
    """The event that a step begins."""
    return EngineEvent.from_json({"sequence": 1, "resourcePreEvent": {"metadata": metadata(op, **more)}})


def ends(op: str, **more: Any) -> EngineEvent:
    """The event that a step is done."""
    return EngineEvent.from_json({"sequence": 2, "resOutputsEvent": {"metadata": metadata(op, **more)}})


def test_an_update_tells_each_property_with_both_values():
    """From the detailed diff; what the engine blinds stays secret, what it does not know yet is unknown."""
    (step,) = events.steps(
        [
            begins(
                "update",
                old={"size": 1.0, "key": "[secret]"},
                new={"size": 2.0, "key": "[secret]", "tags": [{"a": UNKNOWN}]},
                detailedDiff={
                    "size": {"diffKind": "update", "inputDiff": True},
                    "tags[0].a": {"diffKind": "add", "inputDiff": True},
                    "key": {"diffKind": "update", "inputDiff": True},
                },
            )
        ]
    )
    key, size, tag = step.changes
    assert (step.op, step.replaces) == (Op.UPDATE, Replaces.NO)
    assert (size.old, size.new, size.kind) == (1, 2, ChangeKind.CHANGED)
    assert (tag.path, tag.old, tag.new) == ("tags[0].a", None, Unknown())
    assert isinstance(key.new, Secret)


def test_a_replacement_is_one_step_with_what_forces_it():
    """Three events: create the new, replace, delete the old."""
    forced = {"zone": {"diffKind": "update-replace", "inputDiff": True}}
    parts = [
        begins("create-replacement"),
        begins("replace", detailedDiff=forced, keys=["zone"]),
        begins("delete-replaced"),
    ]
    (step,) = events.steps(parts)
    assert (step.op, step.replaces, step.replace_reason) == (Op.REPLACE, Replaces.YES, ("zone",))


def test_without_details_the_keys_tell():
    """A provider that gives no detailed diff."""
    (step,) = events.steps([begins("replace", keys=["zone"], diffs=["size", "zone"])])
    assert [(change.path, change.replaces) for change in step.changes] == [
        ("size", Replaces.NO),
        ("zone", Replaces.YES),
    ]


def test_the_old_half_of_an_earlier_replacement_is_a_deletion_of_its_own():
    """Nothing stands for it but its deletion."""
    (step,) = events.steps([begins("delete-replaced", is_half=True)])
    assert (step.op, step.pending_delete) == (Op.DELETE, True)


def test_what_goes_before_something_else_can_and_is_not_made_again_is_a_plain_deletion():
    """Engine, calculateDependentReplacements and NewDeleteReplacementStep: pendingReplace is never of an old half."""
    (step,) = events.steps([begins("delete-replaced")])
    assert (step.op, step.pending_delete) == (Op.DELETE, False)


def test_what_stays_and_what_nobody_asked_for_is_no_step():
    """Unchanged resources, refreshes, and default providers."""
    default = "urn:pulumi:dev::shop::pulumi:providers:aws::default_7_51_1"
    told = [begins("same"), begins("refresh"), begins("create", urn=default, type_="pulumi:providers:aws")]
    assert events.steps(told) == ()
    assert [events.begun(event) for event in told] == [None, None, None]


def test_an_alias_tells_the_old_name():
    """The old state has another URN."""
    old = {"urn": URN.replace("data", "disk"), "type": TYPE, "custom": True}
    told = {"sequence": 1, "resourcePreEvent": {"metadata": {**metadata("update"), "old": old}}}
    (step,) = events.steps([EngineEvent.from_json(told)])
    assert step.renamed_from == URN.replace("data", "disk")


def test_what_is_shown_for_a_moment_is_no_message():
    """Progress is ephemeral; what stays has its severity."""
    said = [
        {"sequence": 1, "diagnosticEvent": {"message": "waiting", "severity": "info", "ephemeral": True}},
        {"sequence": 2, "diagnosticEvent": {"message": "no space\n", "severity": "error", "urn": URN}},
        {"sequence": 3, "diagnosticEvent": {"message": "  ", "severity": "info#err"}},
    ]
    (message,) = events.messages(EngineEvent.from_json(event) for event in said)
    assert (message.severity, message.text, message.urn) == ("error", "no space", URN)


def test_each_finished_operation_gets_a_line_and_components_none():
    """Without a terminal there is nothing but these lines."""
    out = io.StringIO()
    failed = EngineEvent.from_json({"sequence": 3, "resOpFailedEvent": {"metadata": metadata("update"), "status": 1}})
    component = metadata("create", urn=URN.replace(TYPE, "shop:index:Rack"), type_="shop:index:Rack")
    component["new"]["custom"] = False
    done = EngineEvent.from_json({"sequence": 4, "resOutputsEvent": {"metadata": component}})
    with Working(total=2, stream=out) as working:
        for event in (begins("create"), ends("create"), begins("update"), failed, done):
            assert working(event)
    assert out.getvalue() == "  +   disk data\n  !   update disk data failed\n"
