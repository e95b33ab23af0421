"""`make verify`: the checker, run against any stack from tests.blackbox."""
