"""Tests across services. The tests of one service are in its own folder, those of a room of
`common` in tests/library."""
