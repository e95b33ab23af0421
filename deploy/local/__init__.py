"""The whole of Polder on one machine, without Docker, under one run directory (`.run/`).

A private PostgreSQL cluster, a private RabbitMQ node and every process of every service;
supervisord keeps them running. `make up` drives it through `python -m deploy`; the tests drive it
through `Stack`, several at a time if they like.

Read it in this order: `stack` (from nothing to ready, and back), `supervised` (one process),
`processes` (what there is to run), `supervisord` (how it is told), `commands` (the make targets).
"""
