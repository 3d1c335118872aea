"""Tables and wrapped text never run over their width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sizing.table import WIDTH, elided, table, wrapped


def test_columns_align_and_units_stand_beside_their_numbers() -> None:
    """Numbers to the right, names to the left, a unit one blank after its number."""
    assert table([["TTFT p95", "310", "ms"], ["output", "9.8", "k/s"]], align="<>u") == [
        "  TTFT p95  310 ms",
        "  output    9.8 k/s",
    ]


def test_a_long_cell_loses_its_middle() -> None:
    """Both ends of a name tell something: the family in front, the zone behind."""
    assert elided("p5-48xlarge-us-east-1-use1-az4", 16) == "p5-48xl..use1-az4"[:7] + "..se1-az4"
    assert table([["a" * 90, "1.00"]], align="<>")[0].endswith("aa  1.00")


def test_short_rows_are_filled() -> None:
    """A row without its last cells leaves no blanks at the end of the line."""
    assert table([["a", "b"], ["c"]], align="<<") == ["  a  b", "  c"]


@given(
    st.lists(st.lists(st.text(alphabet="abcdefgh 0123", max_size=40), min_size=3, max_size=3), min_size=1, max_size=6),
)
def test_a_table_with_one_elastic_column_stays_in_its_width(rows: list[list[str]]) -> None:
    """The elastic column gives way, as long as the others leave it eight columns."""
    rows = [[first, second[:20], third[:20]] for first, second, third in rows]
    assert all(len(line) <= WIDTH for line in table(rows, align="<>u"))


@given(st.text(alphabet="abc -/", max_size=400))
def test_wrapped_text_stays_in_its_width_and_loses_no_word(text: str) -> None:
    """Words are kept in order; only a word longer than a line is elided."""
    lines = wrapped(text, indent="  - ", hanging="    ")
    assert all(len(line) <= WIDTH for line in lines)
    if all(len(word) < WIDTH - 4 for word in text.split()):
        assert " ".join(lines).split()[1:] == text.split() or not text.split()
