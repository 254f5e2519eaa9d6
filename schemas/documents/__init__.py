"""The documents that describe connectors and sync apps: read, checked, compiled."""
