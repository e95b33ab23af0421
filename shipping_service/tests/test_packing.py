"""Packing: every piece in a parcel, no parcel too heavy but for a piece that is so by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polder.contracts.types import LARGEST_COUNT
from shipping_service.packing import HEAVIEST_PARCEL, pack

GRAMS = st.integers(0, 100_000)


def line(product_id: str, quantity: int) -> dict[str, object]:
    return {"productId": product_id, "quantity": quantity}


def test_each_product_in_parcels_of_its_own() -> None:
    packing = pack([line("p1", 3), line("p2", 40)], {"p1": 1800, "p2": 900})

    assert [
        (package.product_id, package.quantity, package.parcels, package.weight_grams)
        for package in packing.packages
    ] == [
        ("p1", 3, 1, 5400),
        ("p2", 40, 2, 36_000),
    ]
    assert (packing.weight_grams, packing.unweighed) == (41_400, [])


def test_a_missing_weight_leaves_the_whole_unknown() -> None:
    for weights in ({"p1": 1800, "p2": None}, {"p1": 1800}):
        packing = pack([line("p1", 1), line("p2", 1)], weights)
        assert (packing.weight_grams, packing.unweighed) == (None, ["p2"])


def test_more_than_can_be_counted_is_no_weight() -> None:
    assert pack([line("p1", LARGEST_COUNT)], {"p1": LARGEST_COUNT}).weight_grams is None
    assert pack([line("p1", 1), line("p2", 1)], {"p1": LARGEST_COUNT, "p2": 1}).weight_grams is None


@given(
    st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.tuples(st.integers(1, 5_000), GRAMS),
        min_size=1,
        max_size=5,
    )
)
def test_any_order(lines: dict[str, tuple[int, int]]) -> None:
    packing = pack(
        [line(key, quantity) for key, (quantity, _) in lines.items()],
        {key: weight for key, (_, weight) in lines.items()},
    )

    assert packing.weight_grams == sum(quantity * weight for quantity, weight in lines.values())
    for package in packing.packages:
        quantity, weight = lines[package.product_id]
        assert package.parcels is not None
        assert 1 <= package.parcels <= quantity
        most = -(-quantity // package.parcels)  # pieces in the fullest parcel
        assert most == 1 or most * weight <= HEAVIEST_PARCEL
