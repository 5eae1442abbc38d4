"""The world: HTTP, MongoDB, engines, Telegram."""
