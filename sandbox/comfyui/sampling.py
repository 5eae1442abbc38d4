"""Nodes that take their time, step by step, with pictures of how it goes."""

from collections.abc import Callable
from dataclasses import replace

from sandbox.comfyui import frames, pictures
from sandbox.comfyui.failures import NodeError, out_of_memory
from sandbox.comfyui.pictures import Picture
from sandbox.comfyui.tasks import Made, Task


async def sample(task: Task) -> Made:
    """KSampler."""
    latents = task.images("latent_image")
    words = f"{task.inputs['positive']}\0{task.inputs['negative']}\0{task.inputs['model']}"
    dream = f"{words}\0{task.whole('seed')}\0{task.number('denoise')}"
    dreamt = tuple(
        replace(latent, dream=f"{dream}\0{index}") for index, latent in enumerate(latents)
    )
    steps = task.whole("steps")
    for step in range(1, steps + 1):
        await task.pause(task.seconds / steps)
        if not task.memory:
            raise out_of_memory()
        _show(task, step, steps, dreamt[0])
    return Made((dreamt,))


async def sleep(task: Task) -> Made:
    """SleepProgress."""
    seconds, steps, fail_at = (
        task.number("step_seconds"),
        task.whole("steps"),
        task.whole("fail_at_step"),
    )
    picture = Picture(64, 48, dream=str(task.whole("seed")))
    for step in range(1, steps + 1):
        await task.pause(seconds)
        if step - 1 == fail_at:
            raise NodeError("ValueError", f"SleepProgress failed on purpose at step {fail_at}")
        if task.inputs["preview"]:
            _show(task, step, steps, picture)
        else:
            task.progress.update(task.node, step, steps, None)
        if task.inputs["text"]:
            task.progress.say(task.node, f"step {step} of {steps}")
    given = task.images("image") if "image" in task.inputs else ()
    return Made((given or (picture,),))


async def sleep_beside(task: Task) -> Made:
    """AsyncSleep."""
    steps = task.whole("steps")
    for step in range(1, steps + 1):
        await task.pause(task.number("step_seconds"))
        task.progress.update(task.node, step, steps, None)
    return Made(((Picture(64, 48, dream=str(task.whole("seed"))),),))


async def send(task: Task) -> Made:
    """SaveImageWebsocket: the results themselves go as previews, and nowhere else."""
    images = task.images("images")
    for index, image in enumerate(images):
        await task.pause(0)
        task.progress.update(task.node, index, len(images), (pictures.png(image, {}), frames.PNG))
    return Made()


def _show(task: Task, step: int, steps: int, picture: Picture) -> None:
    draw: Callable[[], bytes] = lambda: pictures.preview(picture, step, steps)  # noqa: E731
    seen = task.progress.shown()
    task.progress.update(task.node, step, steps, (draw(), frames.JPEG) if seen else None)
