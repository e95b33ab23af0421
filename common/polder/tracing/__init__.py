"""Traces by OpenTelemetry, from a request to what others made of it. Off unless
`POLDER["TRACES_URL"]` says where they go; then nothing of OpenTelemetry is imported."""
