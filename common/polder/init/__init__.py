"""What `python -m polder.init` does: it prepares a Django project for events."""
