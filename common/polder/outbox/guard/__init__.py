"""The guard: triggers on the tables of what a service owns, so that nothing changes what others
believe without telling them.

Refused is a change of public columns that does not raise the version, a version that goes down,
and a deletion, each at once; and at the commit a version without its event in the outbox. It is the
same for whoever comes: `update()`, an admin form, an SQL console, COPY, another trigger.
"""
