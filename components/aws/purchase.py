"""
How a node group has to be written for each way of buying its machines: one table, and everything else derived from it.

Sources: AWS CloudFormation reference of AWS::EKS::Nodegroup and AWS::EC2::LaunchTemplate; awslabs/awsome-distributed-ai
`eks-add-gpu-nodegroup.yaml` (2026-02) and its issue #1263; terraform-aws-eks#3661 and #3730; eksctl#8320 and #8542.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sizing.catalog import Cloud
from sizing.catalog.reservation import RESERVATION_NAMES

BLOCK_MARKET = "capacity-block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a node group and its launch template say about buying; None: not known before apply."""

    capacity_type: str  # ON_DEMAND, SPOT, CAPACITY_BLOCK
    types_on_group: bool | None  # the group names instance types
    type_on_template: bool | None  # the template names one
    market: str | None  # market type of the template; empty: none
    targets_reservation: bool | None  # the template names a reservation
    subnets: int | None


def reservation_id_mistakes(reservation: str) -> Iterator[str]:
    """Why *reservation* is no id that a launch template can name."""
    if not RESERVATION_NAMES[Cloud.AWS].fullmatch(reservation):
        yield f"{reservation} is no id of a reservation or capacity block, which is written cr-0123456789abcdef0"


def shape_mistakes(shape: Shape) -> Iterator[tuple[str, str]]:
    """Where a shape is not one that EKS and EC2 take: the field of `Shape`, and what is wrong with it."""
    match shape.capacity_type:
        case "CAPACITY_BLOCK":
            yield from _block_mistakes(shape)
        case "SPOT":
            if shape.market:
                yield "market", f"market type {shape.market} in the template; a spot group takes none there"
            if shape.targets_reservation:
                yield "targets_reservation", "a spot group cannot use a reservation"
        case _:
            if shape.market and shape.targets_reservation:
                yield "market", f"market type {shape.market}; EC2 then refuses a targeted on-demand reservation"
            elif shape.market:
                yield "market", f"market type {shape.market}, but the group's capacity type is {shape.capacity_type}"
    if shape.types_on_group and shape.type_on_template:
        yield "types_on_group", "the instance type is named by the group and by the template; EKS takes one of them"


def _block_mistakes(shape: Shape) -> Iterator[tuple[str, str]]:
    if shape.types_on_group:
        yield "types_on_group", "a capacity block takes its instance type from the template, not from the group"
    if shape.type_on_template is False:
        yield "type_on_template", "the template names no instance type, which a capacity block needs there"
    if shape.market is not None and shape.market != BLOCK_MARKET:
        yield "market", f"market type {shape.market or 'not stated'}; a capacity block needs {BLOCK_MARKET}"
    if shape.targets_reservation is False:
        yield "targets_reservation", "no reservation id, so the machines would not come out of the block"
    if shape.subnets is not None and shape.subnets != 1:
        yield "subnets", f"{shape.subnets} subnets; a capacity block lies in one zone"
