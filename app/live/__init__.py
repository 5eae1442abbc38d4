"""What changes while people look: one source a process, and any number of readers."""
