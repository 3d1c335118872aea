"""A user's table of measurements: what may be left out, and every mistake at once, with its line and column."""

from __future__ import annotations

import pytest

from sizing.calibration.own_table import own_measurements
from sizing.catalog import catalog
from sizing.errors import InvalidSpec

HEADER = "accel,n_accel,model,weight_dtype,mode,isl,osl,concurrency,metric,value"
ROW = "H100-SXM-80GB,1,Llama-3.1-8B,bf16,agg,1000,200,8,tpot_ms,8.4"


def read(*lines: str):
    return own_measurements("\n".join(lines) + "\n", catalog(), source="mine.csv")


def told(*lines: str) -> str:
    with pytest.raises(InvalidSpec) as error:
        read(*lines)
    return str(error.value)


def test_a_table_needs_no_more_than_the_run_and_its_outcome():
    """Software, layout, cache format, names of rows: filled."""
    (row,) = read(HEADER, ROW)
    assert (row.setup.input_tokens, row.setup.output_tokens, row.setup.concurrency) == (1000, 200, 8)
    assert (row.metric, row.value, row.setup.software, row.id) == ("tpot_ms", 8.4, "vllm", "line 2")
    assert row.counts
    assert not row.setup.random_lengths


def test_columns_come_in_any_order_and_a_spreadsheet_may_have_saved_them():
    """A byte order mark, carriage returns, blanks around cells, blank lines."""
    names, cells = HEADER.split(","), ROW.split(",")
    text = "\ufeff" + " , ".join(reversed(names)) + "\r\n\r\n" + ",".join(reversed(cells)) + "\r\n"
    (row,) = own_measurements(text, catalog(), source="mine.csv")
    assert (row.setup.model, row.id) == ("Llama-3.1-8B", "line 3")


def test_all_mistakes_are_told_at_once_with_line_and_column():
    """Of the header and of each line, each with its mend."""
    said = told(
        HEADER.replace("concurrency", "concurency"),
        ROW.replace("tpot_ms", "tpot"),
        ROW.replace("Llama", "Lama").replace(",200,", ",,").replace("bf16", "bf61"),
        ROW.replace("8.4", "8.4 ms").replace("agg", "closed").replace("H100-SXM-80GB,1", "H1000,one"),
    )
    assert said.startswith("9 mistakes in mine.csv")
    for part in (
        "line 1, concurency: no such column is read\n    hint: did you mean concurrency?",
        "line 2, metric: is 'tpot'\n    hint: one of output_tps",
        "line 3, osl: is blank",
        "line 3, model: no model 'Lama-3.1-8B' is known\n    hint: did you mean Llama-3.1-8B?",
        "line 3, weight_dtype: 'bf61' is no known format",
        "line 4, n_accel: is 'one', which is not a whole number above 0",
        "line 4, value: is '8.4 ms', which is not a number above 0",
        "line 4, mode: is 'closed'",
        "line 4, accel: no accelerator 'H1000' is known\n    hint: did you mean nvidia-h100",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        (HEADER.replace(",value", ""), ROW.removesuffix(",8.4"), "line 1, value: this column is missing"),
        (HEADER + ",value", ROW + ",1", "line 1, value: this column is there twice"),
        (HEADER + ",tp", ROW + ",4", "line 2, tp: 4 ranks in 1 stages are more than 1 accelerators"),
        (HEADER, ROW.replace("agg", "disagg"), "line 2, notes: does not tell the pools"),
        (HEADER, ROW.replace(",8,", ",eight,"), "line 2, concurrency: is 'eight'"),
        (HEADER, ROW.replace("1000", "-5"), "line 2, isl: is '-5'"),
        (HEADER, ROW.replace("1000", "inf"), "line 2, isl: is 'inf'"),
        (HEADER, "", "rows: the table has none"),
        ("", "", "this column is missing"),
    ],
)
def test_a_mistake_is_told_where_it_stands(header: str, row: str, said: str):
    """Line and column, as the file has them."""
    assert said in told(header, row)


def test_a_published_table_is_read_too():
    """Its further columns are read past."""
    header = HEADER + ",source,unit,derived,roofline_util,n_nodes,flags"
    (row,) = read(header, ROW + ",me,ms,0,0.5,1,queue_bound")
    assert not row.counts
