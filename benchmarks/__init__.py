"""What the service does on this machine, measured; see docs/benchmarks.md."""
