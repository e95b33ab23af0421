"""What the order service is started with in these tests."""

from __future__ import annotations

from pathlib import Path

from common import mail
from order_service.variables import VARIABLES
from polder.configuration import table
from tools.unreachable import settings_of

ROOT = Path(__file__).resolve().parents[3]
EVERY = (*table.SERVICE_VARIABLES, *mail.VARIABLES, *VARIABLES)
NEEDED = {name: value for name, value in settings_of("order").items() if name.startswith("ORDER_")}
SECRET = "se-cret-42"
AMQP = f"amqp://u:{SECRET}@h/v"
