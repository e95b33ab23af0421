"""Variables of `manage.py <service> topology`, as the deploy user, and of Flower."""

from __future__ import annotations

from polder.configuration.kinds import FILE
from polder.configuration.nodes import AMQP, MANAGEMENT
from polder.configuration.variables import Variable

RABBITMQ_MANAGEMENT_URL = Variable(
    "RABBITMQ_MANAGEMENT_URL",
    MANAGEMENT,
    "the management API with the deploy user; may name several nodes",
    None,
    secret=True,
)
RABBITMQ_MANAGEMENT_CA = Variable(
    "RABBITMQ_MANAGEMENT_CA",
    FILE,
    "certificates of the authorities that may vouch for an `https://` management API",
    default_shown="the system's",
)
FLOWER_AMQP_URL = Variable(
    "FLOWER_AMQP_URL",
    AMQP,
    "Flower's broker user, which `topology` makes; Flower connects by it",
    secret=True,
)
FLOWER_AMQP_CA = Variable(
    "FLOWER_AMQP_CA", FILE, "as `<SERVICE>_AMQP_CA`, for Flower", default_shown="the system's"
)
TOPOLOGY_VARIABLES = (
    RABBITMQ_MANAGEMENT_URL,
    RABBITMQ_MANAGEMENT_CA,
    FLOWER_AMQP_URL,
    FLOWER_AMQP_CA,
)
