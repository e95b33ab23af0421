"""Packing: how an order's lines go into parcels, by what its products weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from common.contracts.shipping import Package
from polder.contracts.types import LARGEST_COUNT

HEAVIEST_PARCEL = 30_000  # grams, unless a single piece weighs more


class Packing(NamedTuple):
    """`weight_grams` is None as long as a weight is missing, or when it is beyond what one shipment
    can be."""

    packages: list[Package]
    weight_grams: int | None

    @property
    def unweighed(self) -> list[str]:
        return [package.product_id for package in self.packages if package.weight_grams is None]


def pack(lines: Sequence[Mapping[str, Any]], weights: Mapping[str, int | None]) -> Packing:
    """Each line (`productId`, `quantity`) by itself, products are not mixed in a parcel; `weights`
    in grams by product id."""
    packages = [
        _package(line["productId"], line["quantity"], weights.get(line["productId"]))
        for line in lines
    ]
    total = sum(package.weight_grams or 0 for package in packages)
    known = all(package.weight_grams is not None for package in packages)
    return Packing(packages, total if known and total <= LARGEST_COUNT else None)


def _package(product_id: str, quantity: int, weight: int | None) -> Package:
    if weight is None or quantity * weight > LARGEST_COUNT:
        return Package(product_id=product_id, quantity=quantity)
    pieces = max(1, HEAVIEST_PARCEL // weight) if weight else quantity
    return Package(
        product_id=product_id,
        quantity=quantity,
        parcels=-(-quantity // pieces),
        weight_grams=quantity * weight,
    )
