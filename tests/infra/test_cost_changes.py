"""How costs compare: what is paid once stays apart, autoscaled pools have limits, a missing price is no saving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.graph import Resource, Unknown
from infra.cost import Cost, CostKind, cost, cost_change, machine_lines, renames
from tests.prices import AWS, CATALOG, GCP, TEMPLATE, node_group, node_pool
from tests.resources import graph, resource

NAT = resource("aws:ec2/natGateway:NatGateway", "nat", provider=AWS)


def bill(*resources: Resource) -> Cost:
    return cost(graph(AWS, GCP, *resources), CATALOG)


def scaled(desired: object, least: float, most: float) -> dict[str, Any]:
    return {"scalingConfig": {"desiredSize": desired, "minSize": least, "maxSize": most}}


def test_an_autoscaled_pool_counts_what_it_starts_with_and_tells_its_limits() -> None:
    """2 of 1 to 4 machines: 110.08 USD/h, from 55.04 to 220.16; the disks of 200 GB come and go with them."""
    total = bill(TEMPLATE, node_group(**scaled(2.0, 1.0, 4.0)))
    disk = 200 * 0.08 / 730
    assert total.usd_per_hour == pytest.approx(110.08 + 2 * disk)
    assert total.usd_per_hour_limits == pytest.approx((55.04 + disk, 220.16 + 4 * disk))


def test_without_autoscalers_the_limits_are_the_total() -> None:
    """Nothing moves by itself."""
    total = bill(TEMPLATE, node_group(), NAT)
    assert total.usd_per_hour_limits == (total.usd_per_hour, total.usd_per_hour)


def test_a_count_that_is_not_known_still_has_limits() -> None:
    """The desired size comes after apply; the autoscaler's limits are stated."""
    total = bill(TEMPLATE, node_group(**scaled(Unknown(), 1.0, 3.0)))
    assert [x.item for x in total.unknown] == ["p5.48xlarge on demand", "gp3 disk"]
    assert total.usd_per_hour_limits[1] == pytest.approx(3 * 55.04 + 600 * 0.08 / 730)


BLOCK = resource(
    "aws:ec2/capacityBlockReservation:CapacityBlockReservation",
    "block",
    inputs={"capacityBlockOfferingId": "cbo-1"},
    provider=AWS,
)


def reserved_template(reservation: Resource) -> Resource:
    inputs = {
        **TEMPLATE.inputs,
        "instanceType": "p5en.48xlarge",
        "capacityReservationSpecification": {"capacityReservationTarget": {"capacityReservationId": Unknown()}},
    }
    return resource(
        TEMPLATE.type,
        "reserved",
        inputs=inputs,
        refers={"capacityReservationSpecification": reservation},
        provider=AWS,
    )


def test_a_capacity_block_is_paid_once_and_never_by_the_hour() -> None:
    """41.60 USD for each machine and hour of a block whose length is not known: no part of the hourly total."""
    template = replace(reserved_template(BLOCK), property_dependencies={}, dependencies=())
    group = node_group(template=template, capacityType="CAPACITY_BLOCK", instanceTypes=None)
    (line,) = machine_lines(bill(template, group))
    assert (line.item, line.kind, line.usd_per_unit) == ("p5en.48xlarge capacity block", CostKind.UPFRONT, 41.6)
    assert (line.usd_per_hour, line.upfront_usd, line.is_unknown) == (None, None, True)
    assert bill(template, group).usd_per_hour == pytest.approx(400 * 0.08 / 730)  # the disks


def test_a_block_of_this_program_is_paid_once_whoever_uses_it() -> None:
    """The reservation bears the fee; the machines of its pool are not counted again."""
    template = reserved_template(BLOCK)
    group = node_group(template=template, capacityType="CAPACITY_BLOCK", instanceTypes=None)
    total = bill(BLOCK, template, group)
    assert [(x.item, x.resource) for x in total.upfront] == [("p5en.48xlarge capacity block", "block")]
    (machines,) = [x for x in machine_lines(total) if x.resource == "p5"]
    assert (machines.kind, machines.note) == (CostKind.FREE, "paid with the reservation block")


def test_a_reservation_is_billed_once_used_or_not() -> None:
    """Four p5.48xlarge reserved at the on-demand rate, two of them running: 4 x 55.04 = 220.16 USD/h, not 330.24."""
    inputs = {"instanceType": "p5.48xlarge", "instanceCount": 4.0}
    reservation = resource("aws:ec2/capacityReservation:CapacityReservation", "odcr", inputs=inputs, provider=AWS)
    template = reserved_template(reservation)
    total = bill(reservation, template, node_group(template=template))
    assert sum(x.usd_per_hour or 0.0 for x in machine_lines(total)) == pytest.approx(220.16)


def test_machines_out_of_somebody_else_s_reservation_cost_the_on_demand_rate() -> None:
    """Its id is all that the program knows."""
    template = replace(reserved_template(BLOCK), property_dependencies={}, dependencies=())
    (line,) = machine_lines(bill(template, node_group(template=template)))
    assert line.item == "p5.48xlarge reservation"
    assert line.usd_per_hour == pytest.approx(110.08)


def test_a_reservation_of_google_cloud() -> None:
    """Three g2-standard-4 at 0.70683226; the pool that consumes them adds its disks alone."""
    reservation = resource(
        "gcp:compute/reservation:Reservation",
        "r",
        inputs={
            "zone": "us-central1-a",
            "specificReservation": {"count": 3.0, "instanceProperties": {"machineType": "g2-standard-4"}},
        },
    )
    affinity = {"consumeReservationType": "SPECIFIC_RESERVATION", "values": [Unknown()]}
    plain = node_pool()
    held: Any = plain.inputs["nodeConfig"]
    config = {**held, "reservationAffinity": affinity}
    pool = replace(
        node_pool(nodeConfig=config),
        dependencies=(reservation.urn,),
        property_dependencies={"nodeConfig": (reservation.urn,)},
    )
    total = bill(reservation, pool)
    assert total.usd_per_hour == pytest.approx(3 * 0.70683226 + 300 * 0.1 / 730)


def test_a_savings_plan_costs_what_the_program_states() -> None:
    """50,000 USD at once; what is left to pay by the hour only the offering tells. Nothing at once: 12.50 USD/h."""
    kind = "aws:savingsplans/savingsPlan:SavingsPlan"
    partly = bill(resource(kind, inputs={"commitment": "12.5", "upfrontPaymentAmount": "50000"}))
    assert (partly.upfront_usd, partly.usd_per_hour, len(partly.unknown)) == (50_000, 0, 1)
    nothing = bill(resource(kind, inputs={"commitment": "12.5", "upfrontPaymentAmount": "0"}))
    assert (nothing.upfront_usd, nothing.usd_per_hour, len(nothing.unknown)) == (0, 12.5, 0)


def test_paying_at_once_shows_as_a_difference_of_its_own() -> None:
    """Not by the hour, where it would look like a running cost."""
    plan = resource("aws:savingsplans/savingsPlan:SavingsPlan", inputs={"upfrontPaymentAmount": 50_000.0})
    change = cost_change(bill(NAT), bill(NAT, plan))
    assert (change.difference_upfront_usd, change.difference_usd_per_hour) == (50_000, 0)


def test_a_machine_for_one_without_a_price_is_no_saving() -> None:
    """p5.48xlarge at 110.08 USD/h becomes a type that no source prices: the difference is not known, not -110.08."""
    unheard = node_group(instanceTypes=["p9.48xlarge"])
    change = cost_change(bill(TEMPLATE, node_group(), NAT), bill(TEMPLATE, unheard, NAT))
    assert change.difference_usd_per_hour == 0
    assert {x.item for x in change.not_compared} == {"p5.48xlarge on demand", "p9.48xlarge on demand"}
    assert cost_change(change.after, change.before or change.after).difference_usd_per_hour == 0


def test_the_rest_of_a_resource_is_compared_all_the_same() -> None:
    """Three machines of the unknown type instead of two: their disks are 200 GB more."""
    unheard = node_group(instanceTypes=["p9.48xlarge"], **scaled(3.0, 3.0, 3.0))
    change = cost_change(bill(TEMPLATE, node_group()), bill(TEMPLATE, unheard))
    assert change.difference_usd_per_hour == pytest.approx(200 * 0.08 / 730)


def test_what_is_deleted_is_a_saving() -> None:
    """A NAT gateway less: 0.045 USD/h."""
    change = cost_change(bill(TEMPLATE, node_group(), NAT), bill(TEMPLATE, node_group()))
    assert change.difference_usd_per_hour == pytest.approx(-0.045)


def test_what_is_replaced_is_counted_once() -> None:
    """Another type under the same URN: the old line goes, the new one comes, and the totals hold one of each."""
    other = node_group(instanceTypes=["g6.xlarge"], capacityType="SPOT")
    change = cost_change(bill(TEMPLATE, node_group()), bill(TEMPLATE, other))
    assert change.after.usd_per_hour == pytest.approx(0.6 + 400 * 0.08 / 730)
    assert change.difference_usd_per_hour == pytest.approx(0.6 - 110.08)


def test_a_new_name_costs_nothing() -> None:
    """The alias says which resource it was: no line goes, none comes."""
    renamed = replace(node_group("h100"), aliases=(node_group().urn,))
    before, after = graph(AWS, TEMPLATE, node_group()), graph(AWS, TEMPLATE, renamed)
    change = cost_change(cost(before, CATALOG), cost(after, CATALOG), renamed=renames(before, after))
    assert all(x.is_same for x in change.lines)


KNOWN = (NAT, node_group(), node_pool(), BLOCK, node_group("spot", capacityType="SPOT"))


@given(st.sets(st.sampled_from(range(len(KNOWN)))), st.sets(st.sampled_from(range(len(KNOWN)))))
def test_a_difference_there_and_back_is_nothing(one: set[int], other: set[int]) -> None:
    """And, with all prices known on both sides, it is after less before."""
    before, after = (bill(TEMPLATE, *(KNOWN[at] for at in sorted(chosen))) for chosen in (one, other))
    there, back = cost_change(before, after), cost_change(after, before)
    assert there.difference_usd_per_hour == pytest.approx(-back.difference_usd_per_hour)
    assert there.difference_usd_per_hour == pytest.approx(after.usd_per_hour - before.usd_per_hour)
