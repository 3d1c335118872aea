"""`sizeup whatif STACK key=value` as a user meets it: one point, sweeps, fronts, each form of answer, each mistake."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from infra.cli import main
from infra.failures import WrongInput
from infra.render.chart import MOST_TICKS, Chart, Line, Mark, ticks
from infra.render.html.chart import chart_figure
from infra.render.plot import write_png
from tests.project import contents, edited, project_copy, sizeup

has_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="the extra plots is not installed: no image was drawn"
)
has_dask = pytest.mark.skipif(
    importlib.util.find_spec("dask") is None, reason="the extra sweep is not installed: no sweep was spread"
)


def whatif(*arguments: str, stack: str = "small-aws") -> dict[str, Any]:
    ended = sizeup("whatif", stack, *arguments, "--json")
    assert ended.status == 0, ended.err
    return dict(json.loads(ended.out))


def test_the_spec_as_it_is_written_changes_nothing():
    """Asked for the rate that is stated, the plan of today comes out, at no other cost."""
    found = whatif("requests_per_s=20")
    (point,) = found["points"]
    assert point["change_usd_per_hour"] == 0
    assert point["machines"] == found["today"]["machines"]


def test_a_sweep_costs_no_less_as_traffic_grows_and_tells_where_machines_change():
    """Six rates: cost never falls, each has its gap, turns are between neighbours with other machine types."""
    found = whatif("requests_per_s=10..200/6", "--fresh")
    costs = [point["usd_per_hour"] for point in found["points"]]
    assert [point["values"]["requests_per_s"] for point in found["points"]] == [10, 48, 86, 124, 162, 200]
    assert costs == sorted(costs)
    assert all(point["solver"]["gap"] == 0 for point in found["points"])
    for turn in found["turns"]:
        kinds = [{(one["machine"], one["mode"]) for one in turn[end]["machines"]} for end in ("from", "to")]
        assert kinds[0] != kinds[1]


def test_each_point_is_what_sizing_the_changed_stack_gives(tmp_path: Path):
    """The same plan, to the last figure, as writing the value into the stack file and sizing it."""
    root = project_copy(tmp_path)
    (point,) = whatif("requests_per_s=70")["points"]
    edited(root, "small-aws", "requests_per_s: 20", "requests_per_s: 70")
    sized = sizeup("size", "small-aws", "--json", root=root)
    assert sized.status == 0, sized.err
    assert json.loads(sized.out) == point["plan"]


def test_one_point_in_words_tells_today_the_change_and_that_nothing_is_written(tmp_path: Path):
    """80 columns, the same bytes twice, no file changed."""
    root = project_copy(tmp_path)
    before = contents(root)
    ended = sizeup("whatif", "small-aws", "requests_per_s=70", "tpot_p95_s=0.06", root=root)
    assert ended.status == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    for words in ("with requests_per_s=70", "today", "USD a month", "TPOT p95", "nothing is written", "gap"):
        assert words in ended.out
    assert contents(root) == before
    assert sizeup("whatif", "small-aws", "requests_per_s=70", "tpot_p95_s=0.06", root=root).out == ended.out


def test_a_sweep_in_words_has_a_line_for_each_point():
    """Two limits by three rates; a point without a plan says so, why is told whole, and the others are answered."""
    ended = sizeup("whatif", "small-aws", "tpot_p95_s=0.0001,0.08", "requests_per_s=10,20,30")
    assert ended.status == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    assert len(re.findall(r"^ +0\.0001 +(?:10|20|30)  no plan$", ended.out, re.MULTILINE)) == 3
    why = " ".join(ended.out.partition("\n  no plan\n")[2].split())
    assert why.startswith(
        "tpot_p95_s 0.0001, requests_per_s 10: assist: no machine type keeps what is asked; the nearest, "
    )
    assert "..." not in why
    assert " > 0.1 ms" in why
    assert len(re.findall(r"^ +0\.08 +(?:10|20|30) ", ended.out, re.MULTILINE)) == 3


def test_without_any_plan_the_answer_is_why_and_the_status_one():
    ended = sizeup("whatif", "small-aws", "tpot_p95_s=0.0001")
    assert ended.status == 1
    assert ended.out.startswith("no plan for small-aws with tpot_p95_s=0.0001")


def test_a_price_that_rises_drives_its_machine_out():
    """Ten times the price of what is bought today."""
    found = whatif("price:g6e.2xlarge=*1,*10", "--fresh")
    cheap, dear = ({one["machine"] for one in point["machines"]} for point in found["points"])
    assert "g6e.2xlarge" in cheap
    assert "g6e.2xlarge" not in dear


def test_a_front_marks_the_points_that_no_other_beats():
    """In the document each point says whether it is one; cost falls along them."""
    found = whatif("--front", "spot_share")
    assert found["front"] == "spot_share"
    front = sorted((one["at"], one["usd_per_hour"]) for one in found["points"] if one["is_on_front"])
    costs = [cost for _, cost in front]
    assert costs == sorted(costs, reverse=True)
    ended = sizeup("whatif", "small-aws", "--front", "changes", "price:g6e.2xlarge=*3")
    assert ended.status == 0, ended.err
    assert "no other beats" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["request_per_s=40"], ["no key that is known here", "requests_per_s"]),
        (["requests_per_s"], ["has no value"]),
        (["requests_per_s=-4"], ["requests_per_s", "hint:"]),
        (["regions=us-east-9"], ["us-east-9"]),
        (["price:p5.48xlage=*2"], ["no machine or accelerator named"]),
        (["price:p5.48xlarge:spott=2"], ["no way to buy", "spot"]),
        (["requests_per_s=40", "--rate", "3"], ["--rate", "hint:"]),
        (["--fresh"], ["--fresh", "nothing is changed"]),
        (["--front", "e2e_p95_s"], ["no workload asks for it"]),
        (["--front", "tpot_p95_s", "tpot_p95_s=0.1"], ["sweeps by itself"]),
        (["requests_per_s=40", "--plot", "x.png"], ["--plot", "hint:"]),
        (["requests_per_s=4000", "--strategy", "exhaustive"], ["--strategy exhaustive", "too large", "hint:"]),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_mend(arguments: list[str], said: list[str]):
    """Exit status 2, nothing on stdout, no traceback."""
    ended = sizeup("whatif", "small-aws", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert all(text in ended.err for text in said), ended.err
    assert "Traceback" not in ended.err


class Page(HTMLParser):
    """The words of a page, and how many of each element there are."""

    def __init__(self, html: str) -> None:
        """Read *html*."""
        super().__init__()
        self.counts: dict[str, int] = {}
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count it; nothing may be loaded from anywhere."""
        self.counts[tag] = self.counts.get(tag, 0) + 1
        assert "http" not in "".join(value or "" for name, value in attrs if name in {"href", "src"})

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        self.words.append(data)


def test_the_page_holds_the_chart_and_every_point_and_loads_nothing():
    """Inline SVG with its words; the same bytes twice."""
    ended = sizeup("whatif", "small-aws", "requests_per_s=10,40,90", "--html")
    assert ended.status == 0, ended.err
    page = Page(ended.out)
    told = " ".join(page.words)
    assert page.counts["figure"] == 1
    assert page.counts["tr"] == 4  # a head and three points
    assert page.counts["path"] == 1
    assert "requests_per_s" in told
    assert "Nothing is written" in told
    assert sizeup("whatif", "small-aws", "requests_per_s=10,40,90", "--html").out == ended.out


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 250, (0, 50, 100, 150, 200, 250)),
        (4, 30, (0, 5, 10, 15, 20, 25, 30)),
        (0.03, 0.05, (0.03, 0.035, 0.04, 0.045, 0.05)),
        (7, 7, None),
    ],
)
def test_a_scale_has_few_round_numbers_around_the_values(low: float, high: float, expected: tuple[float, ...] | None):
    found = ticks(low, high)
    assert found[0] <= low <= high <= found[-1]
    assert 2 <= len(found) <= MOST_TICKS
    assert expected is None or found == expected


def mark(x: float, y: float, group: str) -> Mark:
    return Mark(x=x, y=y, label=f"{group} at {x:g}", group=group)


CHART = Chart(
    title="cost",
    x_label="rate",
    y_label="USD",
    lines=(Line(name="", marks=(mark(0, 10, "a"), None, mark(2, 20, "b"), mark(4, 40, "b"))),),
)


def test_a_line_is_broken_where_there_is_no_plan():
    """Of three points with a hole after the first, one stretch of two; each has its words; two groups, two shapes."""
    drawn = chart_figure(CHART)
    (path,) = drawn.iter("path")
    # x from 76 at 0 to 740 at 4, y from 328 at 0 to 14 at 40: (2, 20) is half way in both
    assert path.get("d") == "M408.0 171.0L740.0 14.0"
    assert [one.text for one in drawn.iter("title")] == ["cost", "a at 0", "b at 2", "b at 4"]
    assert len(list(drawn.iter("li"))) == 2


def test_a_front_is_drawn_in_steps():
    """What one point costs holds until the next one is allowed."""
    front = Chart(title="", x_label="", y_label="", lines=CHART.lines, is_front=True)
    (path,) = chart_figure(front).iter("path")
    assert path.get("d") == "M408.0 171.0H740.0V14.0"


@has_matplotlib
def test_an_image_is_drawn_and_the_same_again(tmp_path: Path):
    """A PNG with its signature; the same bytes twice."""
    for name in ("a.png", "b.png"):
        write_png((CHART,), tmp_path / name)
    first = (tmp_path / "a.png").read_bytes()
    assert first.startswith(b"\x89PNG\r\n")
    assert first == (tmp_path / "b.png").read_bytes()


@has_matplotlib
def test_an_image_that_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(WrongInput, match="cannot be written"):
        write_png((CHART,), tmp_path / "none" / "a.png")


def test_a_missing_library_is_told_with_the_mend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Status 2 and the extra to install, where Matplotlib is not there."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(WrongInput, match=re.escape("sizeup[plots]")):
        write_png((CHART,), tmp_path / "a.png")


def test_missing_dask_is_told_with_the_mend(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(sys.modules, "dask", None)
    assert main(["whatif", "small-aws", "requests_per_s=10,20", "--workers", "2"]) == 2
    assert "sizeup[sweep]" in capsys.readouterr().err


@has_dask
def test_a_sweep_over_processes_gives_the_same_answers():
    """Two processes, four points: the same document as one after the other."""
    asked = ("requests_per_s=10,20", "tpot_p95_s=0.05,0.08")
    assert whatif(*asked, "--workers", "2") == whatif(*asked)
