"""Edits that break whoever reads old versions: what leads from one to the next."""

from __future__ import annotations

from tests.library.contracts.edits import BRAND, ORDERS, RETIRED, TO_2, UPCAST, Edit, step

BREAKING_UPCASTS = [
    Edit(
        "a version skipped",
        RETIRED,
        step("return data") + step("return data", 2).removeprefix(RETIRED).replace("_2(", "_3("),
        "",
        "version skipped",
        also=(UPCAST, (TO_2[0], TO_2[1].replace("2", "3"))),
        says=("there is no version 2", "schema_version = 2"),
    ),
    Edit("an upcast missing", *TO_2, "", "upcast missing", also=(BRAND,)),
    Edit(
        "an upcast unreachable",
        RETIRED,
        step("return data", 2),
        "",
        "upcast unreachable",
        also=(UPCAST, TO_2),
    ),
    Edit(
        "an upcast not total",
        RETIRED,
        step('return {**data, "brand": data["name"].split(" ")[1]}'),
        "",
        "upcast not total",
        also=(UPCAST, TO_2, BRAND),
        says=("name is", "IndexError"),
    ),
    Edit(
        "an upcast that forgets a case",
        RETIRED,
        step('return {**data, "weightGrams": data["weightGrams"] * 2}'),
        "",
        "upcast not total",
        also=(UPCAST, TO_2),
        says=("weightGrams is left out", "KeyError"),
    ),
    Edit(
        "a published upcast that makes something else",
        '    customer = Customer.named(old["name"], old["email"])\n',
        '    customer = Customer.named(old["name"], "")\n',
        "",
        "upcast changed",
        file=ORDERS,
        says=("version 1, the example: is lifted to something else",),
    ),
    Edit(
        "what a published upcast calls",
        "given_name=given or family, family_name=family if given",
        "given_name=given or family.strip(), family_name=family.upper() if given",
        "",
        "upcast changed",
        file=ORDERS,
    ),
    Edit(
        "an upcast that spells the key otherwise",
        RETIRED,
        step('return {**data, "productId": data["productId"].lower()}'),
        "",
        "upcast not total",
        also=(UPCAST, TO_2),
        says=('productId is "A": ', "subject is 'A', data is about 'a'"),
    ),
]
