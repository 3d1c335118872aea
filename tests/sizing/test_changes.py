"""Changes to a spec as it is written: what each form of value means, where keys stand, and every mistake at once."""

from __future__ import annotations

from typing import Any

import pytest

from sizing.errors import InvalidSpec
from sizing.spec.change_values import Times, WrongValueError, value_text, values_of
from sizing.spec.changes import Change, changed, points, read_changes

SETTINGS: dict[str, Any] = {
    "cloud": "aws",
    "regions": ["us-east-1"],
    "workloads": [
        {
            "name": "chat",
            "traffic": {"requests_per_s": 12, "input_tokens": {"mean": 1800, "p95": 6000}, "output_tokens": 320},
            "objectives": {"ttft_p95_s": 0.8, "tpot_p95_s": 0.045},
        },
        {
            "name": "code",
            "traffic": {"requests_per_s": 5, "input_tokens": 500, "output_tokens": 100},
            "objectives": {"tpot_p95_s": 0.02},
            "allow": {"weights": ["fp8"]},
        },
    ],
}


def one(text: str, workloads: tuple[str, ...] = ("chat", "code")) -> dict[str, Any]:
    """The settings with one change."""
    (point,) = points(read_changes([text], workloads=workloads))
    return changed(SETTINGS, point)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("40", (40,)),
        ("0.03,0.05", (0.03, 0.05)),
        ("5..100/3", (5, 52.5, 100)),
        ("5..9", (5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9)),  # nine values, both ends among them
        ("100..5/2", (100, 5)),
        ("*1.2", (Times(1.2),)),
        ("*0.5..*1.5/3", (Times(0.5), Times(1), Times(1.5))),
        ("none", (None,)),
        ("us-east-1,us-east-1+us-west-2", ("us-east-1", ("us-east-1", "us-west-2"))),
        ("zone", ("zone",)),
        ("4,4", (4,)),
        ("0..1/4", (0, 0.333, 0.667, 1)),  # between the ends three digits
    ],
)
def test_values_are_numbers_factors_lists_words_and_ranges_of_them(text: str, values: tuple[object, ...]):
    """Parts between commas, each one value or a range."""
    assert values_of(text) == values


@pytest.mark.parametrize("text", ["", "1,", "5..", "..5", "a..b", "5..9/1", "5..9/999", "*", "*-1", "*inf"])
def test_what_is_no_value_is_told_with_its_mend(text: str):
    with pytest.raises(WrongValueError) as refused:
        values_of(text)
    assert refused.value.mend


@pytest.mark.parametrize("text", ["40", "*1.2", "none", "us-east-1+us-west-2", "0.03", "12345.5"])
def test_a_value_is_told_as_it_is_written(text: str):
    assert value_text(values_of(text)[0]) == text


def test_a_key_stands_where_its_form_has_it():
    """In the spec, in the traffic of one workload, in what every workload may choose from."""
    assert one("headroom=0.4")["headroom"] == 0.4
    assert [work["traffic"]["requests_per_s"] for work in one("chat.requests_per_s=40")["workloads"]] == [40, 5]
    assert [work["allow"]["spot_share"] for work in one("spot_share=0.3")["workloads"]] == [0.3, 0.3]
    assert one("code.objectives.tpot_p95_s=0.01")["workloads"][1]["objectives"]["tpot_p95_s"] == 0.01
    assert SETTINGS["workloads"][1]["objectives"]["tpot_p95_s"] == 0.02  # a copy is changed


def test_a_list_is_written_as_a_list_and_none_takes_a_key_away():
    """One region is a list of one; without a limit there is none."""
    assert one("regions=us-west-2")["regions"] == ["us-west-2"]
    assert one("regions=us-west-2+us-east-1")["regions"] == ["us-west-2", "us-east-1"]
    assert "ttft_p95_s" not in one("chat.ttft_p95_s=none")["workloads"][0]["objectives"]


def test_a_factor_multiplies_what_is_written_wherever_it_is():
    """12 x 1.5 = 18 and 5 x 1.5 = 7.5; a limit that only one workload states is changed there alone."""
    assert [work["traffic"]["requests_per_s"] for work in one("requests_per_s=*1.5")["workloads"]] == [18, 7.5]
    limits = [work["objectives"] for work in one("ttft_p95_s=*2")["workloads"]]
    assert (limits[0]["ttft_p95_s"], "ttft_p95_s" in limits[1]) == (1.6, False)


def test_lengths_keep_their_shape_about_another_mean():
    """A p95 of 6,000 about a mean of 1,800 is one of 12,000 about 3,600."""
    (chat, code) = one("input_tokens=3600")["workloads"]
    assert chat["traffic"]["input_tokens"] == {"mean": 3600, "p95": 12000}
    assert code["traffic"]["input_tokens"] == 3600


def test_several_changes_give_every_combination_the_last_varying_fastest():
    asked = points(read_changes(["tpot_p95_s=0.03,0.05", "headroom=0.1,0.2"], workloads=["chat"]))
    assert [str(point) for point in asked] == [
        "tpot_p95_s=0.03 headroom=0.1",
        "tpot_p95_s=0.03 headroom=0.2",
        "tpot_p95_s=0.05 headroom=0.1",
        "tpot_p95_s=0.05 headroom=0.2",
    ]


def test_all_mistakes_are_told_at_once():
    """An unknown key with the one that is meant, a word without a value, an absolute rate of two workloads, a twin."""
    texts = ["request_per_s=5", "headroom", "requests_per_s=40", "budget_usd_per_month=1", "budget_usd_per_month=2"]
    with pytest.raises(InvalidSpec) as refused:
        read_changes(texts, workloads=["chat", "code"])
    told = {problem.path: f"{problem.what} {problem.mend}" for problem in refused.value.problems}
    assert "requests_per_s" in told["request_per_s"]
    assert "no value" in told["headroom"]
    assert "chat.requests_per_s=" in told["requests_per_s"]
    assert "twice" in told["budget_usd_per_month"]


@pytest.mark.parametrize("text", ["price:p5.48xlarge=none", "price:p5.48xlarge=-3", "price:=3", "price:a:b:c=3"])
def test_what_is_no_price_is_refused(text: str):
    with pytest.raises(InvalidSpec):
        read_changes([text], workloads=["chat"])


def test_a_price_is_no_part_of_the_spec():
    (change,) = read_changes(["price:p5.48xlarge:spot=*1.2"], workloads=["chat"])
    assert change == Change(key="price:p5.48xlarge:spot", values=(Times(1.2),), priced=("p5.48xlarge", "spot"))
    (point,) = points([change])
    assert changed(SETTINGS, point) == SETTINGS
    assert point.prices == ((change, Times(1.2)),)


def test_a_factor_on_what_is_not_written_is_refused():
    with pytest.raises(InvalidSpec, match="not written"):
        one("budget_usd_per_month=*2")


def test_too_many_points_are_refused():
    """30 x 30 is 900."""
    with pytest.raises(InvalidSpec, match="900 points"):
        read_changes(["tpot_p95_s=0.01..0.1/30", "headroom=0..0.5/30"], workloads=["chat"])
