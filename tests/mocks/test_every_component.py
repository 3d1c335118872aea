"""What holds for every component, and that there is none without a test here."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pulumi
import pytest

import components
from components.graph import Unknown
from infra.recorder.recorder import Transport
from tests.mocks.programs import AWS, GCP, KUBERNETES, PROGRAMS, registered
from tests.recording import input_keys
from tests.recording import recorded as mocked
from tests.recordings import Disk, named
from tests.recordings import recorded as previewed

KINDS = sorted(PROGRAMS, key=lambda kind: f"{kind.__module__}.{kind.__name__}")
each_component = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")


def test_every_component_of_the_library_has_a_program_here():
    """Found by walking the packages, so that a new one cannot be forgotten."""
    found = set()
    for module in pkgutil.walk_packages(components.__path__, "components."):
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and issubclass(one, pulumi.ComponentResource):
                found.add(one)
    assert found - {pulumi.ComponentResource} == PROGRAMS.keys()
    assert (len(AWS), len(GCP), len(KUBERNETES)) == (9, 8, 2)


@each_component
def test_a_component_is_the_parent_of_all_that_it_registers(kind):
    """So that it is shown, moved and protected as one; its type is the library's own, and its name in theirs."""
    (itself,) = (one for one in registered(kind) if not one.custom)
    assert itself.type.startswith("sizeup:index:")
    children = [one for one in registered(kind) if one.custom]
    assert children
    assert {one.parent for one in children} == {itself.name}
    assert [one.name for one in children if not one.name.startswith(itself.name)] == []


@each_component
def test_no_key_of_an_input_is_left_in_pythons_spelling(kind):
    """A key in a plain dictionary goes to the provider as it stands, and is a property of nothing."""
    keys = [key for one in registered(kind) for key in input_keys(one.inputs)]
    assert [key for key in keys if re.search(r"[a-z]_[a-z]", key.rpartition(".")[2])] == []


@each_component
def test_no_two_resources_of_a_component_have_one_name(kind):
    """The engine would refuse the second: types and names are what URNs are made of."""
    names = [(one.type, one.name) for one in registered(kind)]
    assert len(names) == len(set(names))


def test_mocks_do_not_leak_into_what_runs_after_them():
    """A preview in the same process sees unknown values where mocks would answer, and is a dry run again."""
    seen: list[bool] = []

    def on_mocks() -> None:
        seen.append(pulumi.runtime.is_dry_run())
        PROGRAMS[KINDS[0]]()

    def program() -> None:
        seen.append(pulumi.runtime.is_dry_run())
        Disk("second", label=Disk("first").id)

    mocked(on_mocks)
    assert named(previewed(program, transport=Transport.DIRECT), "second").inputs == {"label": Unknown()}
    assert seen == [False, True]
