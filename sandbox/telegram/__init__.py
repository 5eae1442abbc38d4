"""A stand-in for the Telegram Bot API: chats that can be read back."""
