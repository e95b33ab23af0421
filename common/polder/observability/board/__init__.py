"""The board: the services, the events between them, and whether all are through."""
