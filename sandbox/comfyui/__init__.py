"""A stand-in for ComfyUI servers: queues that run prompts, and sockets that tell of it."""
