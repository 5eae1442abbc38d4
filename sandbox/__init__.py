"""Stand-ins for ComfyDeploy, ComfyUI, Replicate and Telegram, in one process on one port."""
