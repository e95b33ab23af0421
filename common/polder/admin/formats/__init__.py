"""How the admin writes times: sortable, in UTC, and to the microsecond, because events are
milliseconds apart."""
