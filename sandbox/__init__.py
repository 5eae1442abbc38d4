"""Stand-ins for the peers: ComfyDeploy and the Telegram Bot API, in one process on one port."""
