"""The dashboard in a real browser, before the real service and stand-ins for its peers."""
