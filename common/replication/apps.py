from django.apps import AppConfig


class ReplicationConfig(AppConfig):
    name = "common.replication"
    label = "replication"
