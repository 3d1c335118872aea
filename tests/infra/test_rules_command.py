"""`sizeup rules`: everything that stacks are held to, in words for people and in JSON for programs."""

import json

from components.rules import RULES
from tests.project import sizeup


def test_every_rule_is_listed_with_its_severity():
    """As JSON with reason, mend, origin and exceptions."""
    listed = json.loads(sizeup("rules", "--json").out)
    assert [(one["id"], one["severity"]) for one in listed] == [(rule.id, rule.severity.value) for rule in RULES]
    assert all(one["why"] and one["mend"] and one["origin"] for one in listed)
    (waiver,) = next(one for one in listed if one["id"] == "pod-host-namespaces")["waivers"]
    assert waiver["since"] == "2026-11-21"


def test_one_rule_is_told_whole():
    """Why it is there and what to do, within the width of a terminal."""
    told = sizeup("rules", "efa-interface-layout")
    assert told.status == 0
    assert told.out.startswith("efa-interface-layout (error)\n  Each EFA interface sits on a card")
    assert "mend: take the layout of components/aws/efa.py" in told.out
    assert all(len(line) <= 80 for line in told.out.splitlines())


def test_rules_are_found_by_a_word():
    """Of the id or the title."""
    found = json.loads(sizeup("rules", "--match", "Lustre", "--json").out)
    assert {"fsx-ports", "fsx-capacity"} <= {one["id"] for one in found}
    assert sizeup("rules", "--match", "nothing like it").out == "no rule speaks of that\n"


def test_a_rule_that_is_not_there_is_told_with_what_is_near():
    """The exit status of a wrong input."""
    told = sizeup("rules", "efa-interface-layouts")
    assert (told.status, told.out) == (2, "")
    assert "did you mean efa-interface-layout" in told.err
