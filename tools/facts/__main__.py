"""Writes the packaged facts of the catalog from tables of raw material: python -m tools.facts FOLDER.

The tables are CSV files, one fact set a row, with `source` and `as_of`; blank is unknown, never zero. Written is
our own form: base units, one row a line, sources apart. Rows of share-alike sources are left out, and so is every price
that no source confirms.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tools.facts.cells import Fact, Row, texts
from tools.facts.charges import PUBLISHED_CHARGES, charge_fact, storage_fact
from tools.facts.hardware import accelerator_fact, machine_fact
from tools.facts.models import model_fact
from tools.facts.offers import offers, plain_zones, unpriced, zone_facts, zones_by_region
from tools.facts.quotas import quota_facts

FACTS = Path(__file__).parents[2] / "sizing" / "catalog" / "facts"
SHARE_ALIKE = "sparecores"
DATED = frozenset({"source", "as_of"})
AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")  # a local zone (us-east-1-dfw-2a) is none


def main(folder: Path) -> None:
    """Read the tables in *folder* and write every facts file."""
    instances = list(_rows(folder, "instances"))
    offered = {
        (row["cloud"], row["instance_type_or_accelerator"], row["region"]): plain_zones(row["zones"])
        for row in _rows(folder, "offerings")
    }
    prices = [r for r in _rows(folder, "prices") if r["cloud"] != "aws" or AWS_REGION.fullmatch(r["region"])]
    sized = [row for row in instances if row["vcpu"] and row["memory_gib"]]  # a machine of unknown size is no machine
    machines = {(row["cloud"], row["instance_type"]): row for row in sized}
    zones = zones_by_region(offered, prices)
    _write("accelerators", (accelerator_fact(row, sized) for row in _rows(folder, "accelerators")))
    _write("machines", (machine_fact(row) for row in sized))
    _write("offers", [*offers(prices, offered, machines, zones), *unpriced(prices, offered, machines, zones)])
    _write("storage", (storage_fact(row) for row in _rows(folder, "storage")))
    _write("charges", [*(charge_fact(row) for row in _rows(folder, "network")), *PUBLISHED_CHARGES])
    _write("quotas", quota_facts(_rows(folder, "quotas")))
    models = list(_rows(folder, "models"))
    _write("models", (model_fact(row, models) for row in models))
    _write("zones", zone_facts(zones))


def _rows(folder: Path, table: str) -> Iterator[Row]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if SHARE_ALIKE not in row["source"].lower().replace(" ", ""):
                yield row


def _write(name: str, facts: Iterable[Fact]) -> None:
    """One fact a line, keys and lines sorted, sources in a table of their own: a change reads well in a diff."""
    rows = sorted(facts, key=lambda fact: json.dumps(fact, sort_keys=True))
    sources = sorted({(str(row["source"]), str(row["as_of"])) for row in rows})
    at = {pair: index for index, pair in enumerate(sources)}
    tables: dict[str, list[str]] = {"sources": [_json(pair) for pair in sources]}
    if name == "offers":
        bases = sorted({str(row["price_basis"]) for row in rows})
        tables["bases"] = [_json(basis) for basis in bases]
        tables["rows"] = _by_region(rows, at, bases)
    else:
        tables["rows"] = [
            _json(
                {key: value for key, value in row.items() if key not in DATED and value not in (None, [], ())}
                | {"source": at[str(row["source"]), str(row["as_of"])]}
            )
            for row in rows
        ]
    text = ",".join(f'"{table}":[\n' + ",\n".join(lines) + "\n]" for table, lines in tables.items())
    FACTS.mkdir(exist_ok=True)
    (FACTS / f"{name}.json").write_text("{" + text + "}\n", encoding="utf-8")
    print(f"{name}: {len(rows)} rows")


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _by_region(rows: Iterable[Fact], at: Mapping[tuple[str, str], int], bases: list[str]) -> list[str]:
    """A line for each machine and region, its modes behind: as there are ten thousand offers, keys are left out."""
    lines: dict[tuple[object, object, object, str], list[list[object]]] = {}
    for row in rows:
        place = (row["cloud"], row["machine"], row["region"], " ".join(texts(row["zones"])))
        source = at[str(row["source"]), str(row["as_of"])]
        basis = bases.index(str(row["price_basis"]))
        lines.setdefault(place, []).append(
            [row["mode"], row["usd_per_hour"], int(bool(row["orderable"])), basis, source]
        )
    return [
        _json([*place, *sorted(modes, key=_json)]) for place, modes in sorted(lines.items(), key=lambda x: _json(x[0]))
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
