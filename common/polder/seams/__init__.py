"""Everything in Celery, kombu, billiard and py-amqp that we lean on and that their documentation
does not promise.

Nobody else imports it from there (tests/library/test_seams.py). `table` says of each what we need
and which test fails when it changes; so an upgrade of one of the four begins with that test. What
is documented (bootsteps, signals, `Celery`, `Connection`, `ignore_errors`, exceptions) is used
where it is needed.

Whoever only publishes imports `amqp`, and is spared what Celery takes to import.
"""
