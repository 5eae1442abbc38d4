"""How processes wake each other; see `app.ports.Waker`."""
