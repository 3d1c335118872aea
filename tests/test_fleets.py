"""The made-up fleets that strategies are measured on, and the command that measures."""

from __future__ import annotations

import json
from dataclasses import replace

from benchmarks.fleets import fleet, main
from sizing.optimiser import Strategy, solve
from sizing.optimiser.check import violations
from tests.optimiser.problems import objective


def test_a_fleet_is_the_same_for_the_same_seed():
    assert fleet(2, 7) == fleet(2, 7)
    assert fleet(2, 7) != fleet(2, 8)


def test_the_quotas_of_a_fleet_leave_a_way_to_serve_all_and_make_it_dearer():
    """By a twentieth at the least: with them lifted the cost falls by 5 % or more."""
    problem = fleet(1, 0)
    within, free = solve(problem), solve(replace(problem, quotas=()))
    assert violations(problem, within) == ()
    assert within.unserved == ()
    assert objective(free) <= 0.95 * objective(within)


def test_a_fleet_that_is_short_cannot_be_served():
    problem = fleet(1, 0, short=True)
    assert solve(problem).unserved == (problem.demands[0].workload,)


def test_the_command_checks_every_plan_and_tells_what_it_measured(capsys):
    assert main(["--models", "1", "--seeds", "1", "--strategy", "greedy", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["models"], row["violations"], row["unserved"]) == (1, [], [])
    assert row["saving"] == 0  # greedy against itself


def test_the_table_names_who_is_left_out_and_the_quota_in_the_way(capsys):
    assert main(["--models", "1", "--seeds", "1", "--strategy", Strategy.AUTO.value, "--short"]) == 0
    told = capsys.readouterr().out
    assert "without m0000-" in told
    assert "takes" in told
