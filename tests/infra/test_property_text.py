"""Values of properties as text: unknowns as such, secrets never."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from components.graph import Asset, Secret, Unknown, Value
from infra.diff.changes import ChangeKind, PropertyChange, Replaces
from infra.render.property_text import change_lines, change_text, plain, value_text


def changed(
    old: Value, new: Value, *, path: str = "spec.replicas", replaces: Replaces = Replaces.NO, certain: bool = True
) -> PropertyChange:
    return PropertyChange(path=path, old=old, new=new, kind=ChangeKind.CHANGED, replaces=replaces, certain=certain)


def test_numbers_read_as_people_write_them() -> None:
    """The wire carries 3 as 3.0; nobody wrote that."""
    assert change_text(changed(2.0, 3.0), width=72) == "spec.replicas: 2 -> 3"


def test_a_path_is_whole_where_its_values_leave_room() -> None:
    """Short values need little of the line."""
    path = "spec.template.spec.containers[0].args[13]"
    assert change_text(changed("144", "240", path=path), width=72) == f'{path}: "144" -> "240"'


def test_unknown_values_say_when_they_are_known() -> None:
    """What an id will be is known after apply."""
    assert change_text(changed("subnet-1", Unknown()), width=72) == 'spec.replicas: "subnet-1" -> (known after apply)'


def test_a_secret_is_never_shown_alone_or_inside_a_value() -> None:
    """Neither in a change, nor in a list or an object around it."""
    assert change_text(changed(Secret("hunter2"), Secret("hunter3")), width=72) == "spec.replicas: [secret] changed"
    assert change_text(changed("open", Secret("hunter2")), width=72) == 'spec.replicas: "open" -> [secret]'
    assert value_text({"a": [Secret("hunter2")], "b": 1.0}, width=72) == '{"a": ["[secret]"], "b": 1}'


def test_assets_are_known_by_their_hash() -> None:
    """The first twelve digits tell two contents apart."""
    assert plain(Asset("0123456789abcdef")) == "(asset 0123456789ab)"


def test_the_mark_of_a_replacement_is_never_cut() -> None:
    """However long the values are, that they force a replacement is said in full, below them if need be."""
    short = change_lines(changed("a", "b", replaces=Replaces.YES), width=72)
    assert short == ['spec.replicas: "a" -> "b"  # forces replacement']
    long = change_lines(changed("a" * 300, "b" * 300, replaces=Replaces.YES), width=72)
    assert long[1:] == ["  # forces replacement"]
    assert max(map(len, long)) <= 72


def test_what_is_not_known_offline_is_said_so() -> None:
    """In place or replacement: never a guess."""
    (text,) = change_lines(changed(1.0, 2.0, replaces=Replaces.UNKNOWN), width=72)
    assert text == "spec.replicas: 1 -> 2  # in place or replacement: not known offline"


def test_an_encrypted_secret_cannot_be_compared() -> None:
    """The state has only the ciphertext: it may be the same value."""
    unsure = changed(Secret("x"), Secret("y"), certain=False, replaces=Replaces.UNKNOWN)
    assert change_lines(unsure, width=72) == [
        "spec.replicas: [secret] changed",
        "  # in place or replacement: not known offline",
        "  # cannot be compared here: it may be the same",
    ]


def test_a_change_inside_of_what_is_hidden_is_said_in_words() -> None:
    """Both sides would read the same."""
    old: Value = {"env": [Secret("a")]}
    new: Value = {"env": [Secret("b")]}
    assert change_text(changed(old, new), width=90) == (
        'spec.replicas: {"env": ["[secret]"]} (what is not shown of it changed)'
    )


def test_nothing_that_a_terminal_would_act_on_is_printed() -> None:
    """An escape sequence in a tag is shown, not obeyed."""
    assert change_text(changed("\x1b[2J", "\x9b2J"), width=72) == 'spec.replicas: "\\u001b[2J" -> "\\u009b2J"'


def test_added_and_removed_properties() -> None:
    """The one has no old value, the other no new one; the sign beside it tells which."""
    added = PropertyChange(path="tags.owner", old=None, new="ml", kind=ChangeKind.ADDED, replaces=Replaces.NO)
    removed = PropertyChange(path="tags.owner", old="ml", new=None, kind=ChangeKind.REMOVED, replaces=Replaces.NO)
    assert change_text(added, width=72) == 'tags.owner: "ml"'
    assert change_text(removed, width=72) == 'tags.owner: "ml"'


def test_two_long_texts_are_shown_where_they_differ() -> None:
    """Of user data of a thousand characters, the one digit that changed is what a person looks for."""
    before, after = f"{'x' * 500}size=1{'y' * 500}", f"{'x' * 500}size=2{'y' * 500}"
    text = change_text(changed(before, after, path="userData"), width=72)
    assert "size=1" in text
    assert "size=2" in text
    assert len(text) <= 72


TEXTS = st.text(alphabet='ab\n"é', max_size=120)


@given(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), st.integers(44, 100), st.sampled_from(["p", "p" * 200]))
def test_two_values_never_read_the_same(texts: tuple[str, str, str, str], width: int, path: str) -> None:
    """Whatever they share before and after, the first place where they differ is in view on both sides, in one line."""
    head, old, new, tail = texts
    assume(old != new)
    text = change_text(changed(head + old + tail, head + new + tail, path=path), width=width)
    before, arrow, after = text.partition(": ")[2].partition(" -> ")
    assert arrow
    assert before != after
    assert "\n" not in text
    assert len(text) <= width


@given(st.recursive(st.text(max_size=30) | st.floats(allow_nan=False), st.lists, max_leaves=5))
def test_added_and_removed_values_stay_in_their_width(value: Value) -> None:
    """However nested they are."""
    for kind in (ChangeKind.ADDED, ChangeKind.REMOVED):
        change = PropertyChange(path="a" * 60, old=value, new=value, kind=kind, replaces=Replaces.YES)
        assert max(map(len, change_lines(change, width=72))) <= 72
