"""The whole of Polder on one machine, without Docker.

A private PostgreSQL cluster, a private RabbitMQ node and every process of every service, supervised, under one run
directory (`.run/`). `make up` drives it through `python -m deploy.local`; the system tests drive it through `Stack`,
several at a time if they like: nothing here lives at module level.

Read it in this order: `stack` (what happens, from nothing to ready), `catalogue` (which processes there are),
`supervisor` and `process` (how they are kept alive), `control` (how a second terminal talks to it).

Nothing is imported here, so that `deploy.doctor` can use the parts that need no package before any is installed.
"""
