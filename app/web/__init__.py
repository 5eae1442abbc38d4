"""The HTTP side: webhooks in, the API, health, and the pages that describe them."""
