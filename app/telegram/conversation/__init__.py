"""What the bot does with what people say; each module is one router."""
