"""Values of properties as text: unknowns as such, secrets never."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from components.graph import Asset, Secret, Unknown, Value
from infra.diff.changes import ChangeKind, PropertyChange, Replaces
from infra.render.property_text import change_text, plain, value_text


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
    """However long the values are, that they force a replacement is said in full."""
    text = change_text(changed("a" * 300, "b" * 300, replaces=Replaces.YES), width=72)
    assert text.endswith("  # forces replacement")
    assert len(text) <= 72


def test_what_is_not_known_offline_is_said_so() -> None:
    """In place or replacement: never a guess."""
    text = change_text(changed(1.0, 2.0, replaces=Replaces.UNKNOWN), width=72)
    assert text.endswith("# in place or replacement: not known offline")


def test_an_encrypted_secret_cannot_be_compared() -> None:
    """The state has only the ciphertext: it may be the same value."""
    text = change_text(changed(Secret("x"), Secret("y"), certain=False), width=90)
    assert text == "spec.replicas: [secret] changed  # cannot be compared here: it may be the same"


def test_added_and_removed_properties() -> None:
    """The one has no old value, the other no new one."""
    added = PropertyChange(path="tags.owner", old=None, new="ml", kind=ChangeKind.ADDED, replaces=Replaces.NO)
    removed = PropertyChange(path="tags.owner", old="ml", new=None, kind=ChangeKind.REMOVED, replaces=Replaces.NO)
    assert change_text(added, width=72) == 'tags.owner: "ml"'
    assert change_text(removed, width=72) == 'tags.owner: "ml" -> (removed)'


def test_two_long_texts_are_shown_where_they_differ() -> None:
    """Of user data of a thousand characters, the one digit that changed is what a person looks for."""
    before, after = f"{'x' * 500}size=1{'y' * 500}", f"{'x' * 500}size=2{'y' * 500}"
    text = change_text(changed(before, after, path="userData"), width=72)
    assert "size=1" in text
    assert "size=2" in text
    assert len(text) <= 72


@given(st.text(max_size=200), st.text(max_size=200), st.integers(min_value=60, max_value=100))
def test_a_change_is_one_line_in_its_width(old: str, new: str, width: int) -> None:
    """Line breaks are escaped, and what is too long is cut."""
    text = change_text(changed(old, new), width=width)
    assert "\n" not in text
    assert len(text) <= width
