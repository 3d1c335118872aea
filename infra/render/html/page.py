"""The page as a whole: the answer first, then the sizing, the cost, the checks, and every resource with its diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from infra.render.html.bill import bill_section
from infra.render.html.markup import Child, document, element, packaged
from infra.render.html.requirements import capacity_section, requirements_section
from infra.render.html.tree import tree_section
from infra.render.pending import settling_commands
from infra.render.report import Difference, Finding, Report
from infra.render.steps import summary
from sizing.figures import money, plural, signed_money
from sizing.render import answer

_ALONE = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"  # nothing is loaded, ever
_LIMITS = (
    "Worked out offline: the program as it is, compared with {base}. Not seen: what was changed outside of Pulumi, "
    "quotas, and what only the provider or the cloud checks."
)


def render_html(report: Report) -> str:
    """The whole preview as one HTML document; the same report gives the same bytes."""
    main, script = element("main", *_sections(report)), element("script", packaged("page.js"))
    return document(f"{report.stack}: preview", main, script, allowed=_ALONE)


def _sections(report: Report) -> list[Child]:
    return [
        _answer(report),
        requirements_section(report.plan, report.plan_changes),
        bill_section(report.cost, has_base=report.has_base),
        capacity_section(report.capacity, has_base=report.has_base),
        _findings_section(report.findings),
        _pending_section(report),
        _differences_section(report.differences),
        tree_section(report.resources),
        _footer(report),
    ]


def _answer(report: Report) -> Element:
    """What a person reads if they read one thing: what runs, what it costs, and whether it may be applied."""
    errors = sum(x.stops for x in report.findings)
    verdict = f"refused: {plural(errors, 'error')}" if errors else "no check fails"
    cost = report.cost
    tiles = [
        _tile("per month", f"{money(cost.after.usd_per_month)} USD", _cost_note(report)),
        _tile("change per month", f"{signed_money(cost.difference_usd_per_month)} USD", _change_note(report)),
        _tile("resources", summary(report.resources), f"compared with {report.resources.base_name}"),
    ]
    return element(
        "header",
        element("p", report.stack, element("span", verdict, class_=f"verdict {'bad' if errors else 'good'}")),
        element("h1", answer(report.plan, name=report.stack, usd_per_hour=cost.after.usd_per_hour)),
        element("div", *tiles, class_="tiles"),
    )


def _cost_note(report: Report) -> str | None:
    unknown = len(report.cost.after.unknown)
    return f"and {plural(unknown, 'price')} that no source tells" if unknown else None


def _change_note(report: Report) -> str | None:
    upfront = report.cost.difference_upfront_usd
    return f"and {money(upfront)} USD paid once, at purchase" if upfront else None


def _tile(what: str, value: str, note: str | None) -> Element:
    return element(
        "div",
        element("p", what, class_="what"),
        element("p", value, class_="value"),
        None if note is None else element("p", note, class_="note"),
        class_="tile",
    )


def _findings_section(findings: tuple[Finding, ...]) -> Element | None:
    if not findings:
        return None
    open_, waived = [x for x in findings if not x.waived], [x for x in findings if x.waived]
    counts = Counter(x.severity for x in open_)
    return element(
        "section",
        element("h2", "Checks"),
        element("p", ", ".join(plural(number, what) for what, number in sorted(counts.items())), class_="note"),
        element("ul", *(_finding(x) for x in open_), class_="findings"),
        _folded(f"{plural(len(waived), 'finding')} waived, each for a written reason", waived),
        id="checks",
    )


def _folded(title: str, findings: Sequence[Finding]) -> Element | None:
    if not findings:
        return None
    shown = element("ul", *(_finding(x) for x in findings), class_="findings")
    return element("details", element("summary", title), shown)


def _finding(finding: Finding) -> Element:
    return element(
        "li",
        element("code", finding.rule),
        " ",
        element("strong", finding.subject),
        f": {finding.text}",
        element("p", finding.why, class_="mend") if finding.why else None,
        element("p", f"Mend: {finding.mend}", class_="mend") if finding.mend and not finding.waived else None,
        element("p", f"Waived: {finding.waived}", class_="mend") if finding.waived else None,
        class_="waived" if finding.waived else finding.severity,
    )


def _pending_section(report: Report) -> Element | None:
    if not report.resources.pending:
        return None
    return element(
        "section",
        element("h2", "Left over from an interrupted run"),
        element("p", "Their outcome is not known. Nothing more is applied until the state is settled:", class_="note"),
        element(
            "ul",
            *(
                element("li", element("code", x.operation), f" {x.urn.rpartition('::')[2]} ", element("small", x.urn))
                for x in report.resources.pending
            ),
        ),
        element("pre", "\n".join(settling_commands(report.stack, report.resources.pending)), class_="changes"),
        id="pending",
    )


def _differences_section(differences: tuple[Difference, ...] | None) -> Element | None:
    """Where the real engine's preview says something else; one sentence where it agrees."""
    if differences is None:
        return None
    rows = [
        element("tr", element("td", x.name, title=x.urn), *(element("td", y) for y in (x.ours, x.engine, x.detail)))
        for x in differences
    ]
    heads = element("thead", element("tr", *(element("th", x) for x in ("resource", "here", "engine", "in"))))
    shown = element("table", heads, element("tbody", *rows)) if rows else element("p", "It says the same.")
    return element("section", element("h2", "The real engine's preview"), shown, id="engine")


def _footer(report: Report) -> Element:
    notes = [*report.notes, *report.resources.notes, *(f"Assumed: {x}" for x in report.plan.assumptions)]
    return element(
        "footer",
        element("p", _LIMITS.format(base=report.resources.base_name)),
        element("ul", *(element("li", x) for x in notes)) if notes else None,
        element("p", f"Facts of {report.plan.facts_as_of}; {report.plan.solver}; sizeup {report.plan.sizeup_version}"),
    )
