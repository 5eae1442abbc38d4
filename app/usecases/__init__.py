"""One verb a file: what the service does, in terms of ports and pure decisions."""
