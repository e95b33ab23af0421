"""The only language the services share: events, and the public state they carry."""
