"""Start and stop the service."""
