"""What replication found to be wrong, in the admin."""

from common.read_only_admin import register_read_only
from common.replication.models import Drift

register_read_only(Drift, search_fields=("=key", "=event_id"))
