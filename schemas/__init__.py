"""What things look like: names and shapes, no decisions, no I/O."""
