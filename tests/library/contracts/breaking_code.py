"""Edits that break somebody under an unchanged schema: the code reads or says something else."""

from __future__ import annotations

from tests.library.contracts.edits import SHIPPING, Edit

BREAKING_CODE = [
    Edit(
        "code that spells the key otherwise",
        "        return self.product_id\n\n\nclass ProductEvent",
        "        return self.product_id.strip()\n\n\nclass ProductEvent",
        "subject",
        "key changed",
        ("order.Product", "shipping.Product"),
        says=('productId is " a ": it is no longer read: ', "subject is ' a ', data is about 'a'"),
    ),
    Edit(
        "code that refuses what the schema allows",
        "        return self.product_id\n\n\nclass ProductEvent",
        "        return self.product_id\n\n"
        '    @field_validator("name")\n    @classmethod\n'
        "    def _short(cls, name: str) -> str:\n"
        '        assert " " not in name, "one word"\n        return name\n\n\n'
        "class ProductEvent",
        "data",
        "read otherwise",
        ("order.Product", "shipping.Product"),
        also=(("from pydantic import Field\n", "from pydantic import Field, field_validator\n"),),
        says=("no longer read: ", "one word"),
    ),
    Edit(
        "code that reads what it is told as something else",
        '    carrier: Text = ""\n',
        '    carrier: Annotated[Text, AfterValidator(str.lower)] = ""\n',
        "data",
        "read otherwise",
        ("order.Shipment",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Annotated\n\n"
                "from pydantic import AfterValidator\n",
            ),
        ),
        file=SHIPPING,
        says=("data.carrier, written as 'PostNL', is read as 'postnl'",),
    ),
    Edit(
        "code that refuses what its example does not show",
        "        return self.product_id\n\n\nclass ProductEvent",
        "        return self.product_id\n\n"
        '    @field_validator("name")\n    @classmethod\n'
        "    def _begins_well(cls, name: str) -> str:\n"
        '        assert name.istitle() or " " in name, "a title"\n        return name\n\n\n'
        "class ProductEvent",
        "data.name",
        "read otherwise",
        ("order.Product (name)", "shipping.Product (name)"),
        also=(("from pydantic import Field\n", "from pydantic import Field, field_validator\n"),),
        says=('name is "": ', "a title"),
    ),
    Edit(
        "code that changes what its example does not show",
        '    tracking_number: Text = ""\n',
        '    tracking_number: Annotated[Text, AfterValidator(str.strip)] = ""\n',
        "data.trackingNumber",
        "read otherwise",
        ("order.Shipment (tracking_number)",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Annotated\n\n"
                "from pydantic import AfterValidator\n",
            ),
        ),
        file=SHIPPING,
        says=("data.trackingNumber, written as ' a ', is read as 'a'",),
    ),
    Edit(
        "code that refuses deep down",
        '    available: Count\n    """When it was decided."""\n',
        "    available: Annotated[Count, AfterValidator(_odd)]\n",
        "data.shortages[].available",
        "read otherwise",
        ("order.Reservation (shortages) in order, watched by reconcile_orders",),
        also=(
            (
                "from enum import StrEnum\n",
                "from enum import StrEnum\nfrom typing import Annotated\n",
            ),
            ("from pydantic import Field\n", "from pydantic import AfterValidator, Field\n"),
            (
                "class Shortage(Value):",
                "def _odd(count: int) -> int:\n    assert count % 2, 'odd'\n    return count\n\n\n"
                "class Shortage(Value):",
            ),
        ),
    ),
]
