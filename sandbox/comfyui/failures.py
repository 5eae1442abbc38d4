"""Why a prompt ends before its time."""


class InterruptedPromptError(Exception):
    """Somebody interrupted it."""


class NodeError(Exception):
    """A node raised; told as if it had been of the type `kind`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def out_of_memory() -> NodeError:
    """Return what a node raises on a GPU without room, as torch and ComfyUI word it."""
    return NodeError(
        "torch.OutOfMemoryError",
        "Allocation on device 0 would exceed allowed memory. (out of memory)\n"
        "Currently allocated     : 22.51 GiB\n"
        "Requested               : 2.25 GiB\n"
        "This error means you ran out of memory on your GPU.\n\n"
        "TIPS: If the workflow worked before you might have accidentally set the batch_size to a "
        "large number.",
    )
