"""Clients of ours, played against the real things."""
