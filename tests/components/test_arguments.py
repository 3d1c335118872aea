"""Components called wrongly: told at once, with the line of the call, before anything is registered."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

import components
from components.arguments import InvalidArguments, checked, is_checked
from components.aws.network import Network, NetworkArgs
from components.graph import Resource
from infra.recorder.answers import Answer, created
from infra.recorder.recorder import program_file, record
from tests.recording import recorded

HEAD = "from components.aws.network import Network, NetworkArgs\n"
GOOD: Mapping[str, Any] = {
    "region": "us-east-1",
    "zones": ("use1-az4",),
    "cluster_name": "c",
    "log_key_arn": "arn:aws:kms:us-east-1:123456789012:key/logs",
}


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A value inside others."""

    count: int


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One argument of each shape that components have."""

    number: float = 1
    counts: Sequence[int] = ()
    parts: tuple[Part, ...] = ()
    either: Part | str | None = None
    names: Mapping[str, pulumi.Input[str]] = dataclasses.field(default_factory=dict)
    later: pulumi.Input[int] = 1
    after: Sequence[pulumi.Resource] = ()
    anything: Any = None


def mistakes(call: Callable[[], object]) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidArguments) as caught:
        call()
    return [(one.path, one.what, one.mend) for one in caught.value.problems]


def told(tmp_path: Path, call: str) -> str:
    """What a user is told whose program, main.py, makes *call* in its second line; nothing was registered before."""
    (tmp_path / "main.py").write_text(HEAD + call + "\n")
    seen: list[str] = []

    def answer(resource: Resource) -> Answer:
        seen.append(resource.type)
        return created(resource)

    with pytest.raises(InvalidArguments) as caught:
        record(program_file(tmp_path / "main.py"), project="shop", stack="dev", root=tmp_path, answer=answer)
    assert seen == ["pulumi:pulumi:Stack"]
    assert isinstance(caught.value, pulumi.RunError)  # the engine prints its message, and no trace
    return str(caught.value)


def test_a_wrong_key_a_wrong_type_and_a_missing_input_are_told_together_with_their_line(tmp_path: Path):
    """Nothing but the stack itself was registered when the program ended."""
    call = 'Network("n", NetworkArgs(regoin="us-east-1", zones="use1-az4", cluster_name=3, log_key_arn="arn"))'
    assert told(tmp_path, call) == (
        "main.py:2: 4 mistakes in the arguments of NetworkArgs\n"
        "  regoin: is no argument of NetworkArgs\n"
        "    hint: did you mean region?\n"
        "  region: is required and missing\n"
        "    hint: write region=..., a text\n"
        "  zones: is a text, where a tuple of texts belongs\n"
        "    hint: write (one, another), and (one,) for a single one\n"
        "  cluster_name: is a whole number, where a text belongs\n"
        "    hint: write a text"
    )


def test_a_dictionary_where_arguments_belong_is_told_before_the_component_registers(tmp_path: Path):
    """The component's own constructor is checked as well as its arguments'."""
    assert told(tmp_path, 'Network("n", {"region": "us-east-1"})') == (
        "main.py:2: 1 mistake in the arguments of Network\n"
        "  args: is a dictionary, where a NetworkArgs belongs\n"
        "    hint: write NetworkArgs(...), with the keys as names"
    )


def test_a_component_without_its_arguments_or_with_what_belongs_into_them_is_told():
    """Where Python alone would say `missing 1 required positional argument`."""
    wrong: Any = Network
    assert mistakes(lambda: wrong("n")) == [("args", "is required and missing", "write args=..., a NetworkArgs")]
    assert mistakes(lambda: wrong("n", region="us-east-1"))[0] == (
        "region",
        "is no argument of Network",
        "it takes name, args, opts",
    )


def test_arguments_without_their_names_are_told():
    """Keyword-only, so that a call reads by itself."""
    wrong: Any = NetworkArgs
    assert mistakes(lambda: wrong("us-east-1")) == [
        ("arguments", "1 are without a name, where 0 may be", "write NetworkArgs(region=..., ...)")
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"number": "3"}, [("number", "is a text, where a number belongs", "write a number")]),
        ({"number": True}, [("number", "is True or False, where a number belongs", "write a number")]),
        ({"counts": [1, "2"]}, [("counts[1]", "is a text, where a whole number belongs", "write a whole number")]),
        ({"counts": [1, 2.5]}, [("counts[1]", "is a number, where a whole number belongs", "write a whole number")]),
        (
            {"parts": [Part(count=1)]},
            [
                (
                    "parts",
                    "is a list, where a tuple of Part values belongs",
                    "write (one, another), and (one,) for a single one",
                )
            ],
        ),
        (
            {"parts": ({"count": 1},)},
            [("parts[0]", "is a dictionary, where a Part belongs", "write Part(...), with the keys as names")],
        ),
        ({"either": 3}, [("either", "is a whole number, where a Part or a text or None belongs", None)]),
        ({"names": {"a": 3}}, [("names['a']", "is a whole number, where a text belongs", "write a text")]),
        ({"names": {1: "a"}}, [("names, a key", "is a whole number, where a text belongs", "write a text")]),
        ({"names": ["a"]}, [("names", "is a list, where a dictionary of texts belongs", None)]),
        ({"later": "3"}, [("later", "is a text, where a whole number belongs", "write a whole number")]),
        ({"after": ["nodes"]}, [("after[0]", "is a text, where a Resource belongs", "write a Resource")]),
    ],
)
def test_a_value_of_another_type_is_told_with_its_path(given, expected):
    """At any depth, by kind and never by value: it may be a secret."""
    found = mistakes(lambda: Whole(**given))
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert [one[2] for one, wanted in zip(found, expected, strict=True) if wanted[2]] == [
        one[2] for one in expected if one[2]
    ]


def test_what_is_written_as_its_type_says_passes():
    """Whole numbers where a number belongs, None where it may be, outputs where inputs are."""
    built: list[Whole] = []

    def program() -> None:
        names: Mapping[str, pulumi.Input[str]] = {"a": "b", "c": pulumi.Output.from_input("d")}
        later = pulumi.Output.from_input(3)
        built.append(Whole(number=2, counts=(1, 2), parts=(Part(count=1),), either="x", names=names, later=later))
        built.append(Whole(counts=[3], either=Part(count=1), anything=object()))

    recorded(program)
    assert [(one.number, list(one.counts)) for one in built] == [(2, [1, 2]), (1, [3])]


def test_an_output_where_a_plain_value_decides_what_is_built_is_told():
    """The count of nodes has to be known before apply; an output of it comes too late."""
    found: list[tuple[str, str, str]] = []

    def program() -> None:
        wrong: Any = pulumi.Output.from_input(3)
        found.extend(mistakes(lambda: Part(count=wrong)))

    recorded(program)
    assert [one[:2] for one in found] == [("count", "is known after apply only, where a whole number belongs")]


def test_a_secret_of_a_wrong_type_is_not_quoted():
    """Only its kind is in the message."""
    wrong: Any = {"names": {"token": b"hush"}}
    with pytest.raises(InvalidArguments) as caught:
        Whole(**wrong)
    assert "hush" not in str(caught.value)
    assert "is a bytes" in str(caught.value)


def test_replaced_arguments_are_checked_and_copies_are_equal():
    """The line is that of the call of `replace`, not one in the standard library."""
    part = Part(count=1)
    with pytest.raises(InvalidArguments, match=r"test_arguments\.py:\d+: 1 mistake in the arguments of Part"):
        dataclasses.replace(part, count=typing.cast("Any", "2"))
    assert copy.copy(part) == copy.deepcopy(part) == pickle.loads(pickle.dumps(part)) == part  # noqa: S301  our own


def test_the_check_leaves_the_call_as_it_is_for_those_who_read_it():
    """Editors and Pulumi's own packaging of components read signatures and docstrings."""
    assert list(inspect.signature(Network).parameters) == ["name", "args", "opts"]
    assert list(inspect.signature(NetworkArgs).parameters) == list(GOOD)
    assert (Network.__init__.__doc__ or "").startswith("Build the network")


def test_the_source_position_of_a_component_stays_that_of_the_users_call(tmp_path: Path):
    """Pulumi takes whoever calls the constructor for the user, so the check must not stand in between."""
    (tmp_path / "main.py").write_text(f"{HEAD}given = {dict(GOOD)!r}\nNetwork('n', NetworkArgs(**given))\n")
    graph = record(program_file(tmp_path / "main.py"), project="shop", stack="dev", root=tmp_path)
    (network,) = (one for one in graph.resources if one.type == "sizeup:index:AwsNetwork")
    assert network.source_position == "main.py:3"


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(components.__path__, "components."):
        if not found.name.startswith("components.rules"):
            yield importlib.import_module(found.name)


def test_every_component_and_all_that_its_arguments_are_made_of_is_checked():
    """But for plan values, which the plan's own reader checks."""
    built = {
        one
        for module in modules()
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, pulumi.ComponentResource) and one is not pulumi.ComponentResource
    }
    assert len(built) == 19
    waiting: list[Any] = [typing.get_type_hints(one.__init__)["args"] for one in built]
    seen: set[type] = set()
    while waiting:
        kind = waiting.pop()
        waiting += typing.get_args(kind)
        is_new = isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in seen
        if is_new and not kind.__module__.startswith("sizing"):
            seen.add(kind)
            waiting += typing.get_type_hints(kind, localns={"Output": pulumi.Output, "T": Any}).values()
    assert len(seen) >= 18
    assert [one.__name__ for one in built | seen if not is_checked(one)] == []
