"""What the nodes do: each class's work, from its inputs to what it hands on and shows."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sandbox.comfyui import pictures, sampling, sounds
from sandbox.comfyui.failures import NodeError, out_of_memory
from sandbox.comfyui.pictures import Picture
from sandbox.comfyui.tasks import Made, Task
from sandbox.comfyui.values import Blocked, Json, Sound


async def do(task: Task) -> Made:
    """Do the work of a node.

    Raises:
        NodeError: It cannot.
        InterruptedPromptError: Somebody interrupted the prompt.
    """
    name = task.node.kind.name
    if name in _LENGTHY:
        return await _LENGTHY[name](task)
    return _QUICK[name](task)


def _empty(task: Task) -> Made:
    one = Picture(task.whole("width"), task.whole("height"), task.whole("color"))
    return Made(((one,) * task.whole("batch_size"),))


def _scale(task: Task) -> Made:
    size = task.whole("width"), task.whole("height")
    images = task.images("image")
    return Made((tuple(replace(one, width=size[0], height=size[1]) for one in images),))


def _blur(task: Task) -> Made:
    return _changed(task, "blur")


def _invert(task: Task) -> Made:
    return _changed(task, "invert")


def _changed(task: Task, step: str) -> Made:
    images = task.images("image")
    return Made((tuple(replace(one, steps=(*one.steps, step)) for one in images),))


def _load(task: Task) -> Made:
    file = task.folders.input(str(task.inputs["image"]))
    if file is None:
        raise NodeError("FileNotFoundError", f"No such file: {task.inputs['image']}")
    try:
        width, height = pictures.size_of(file.data)
    except OSError as error:
        raise NodeError("PIL.UnidentifiedImageError", "cannot identify image file") from error
    return Made(((Picture(width, height, source=file.data),), None))


def _checkpoint(task: Task) -> Made:
    return Made((task.inputs["ckpt_name"],) * 3)


def _encode_text(task: Task) -> Made:
    return Made((str(task.inputs["text"]),))


def _latent(task: Task) -> Made:
    one = Picture(task.whole("width"), task.whole("height"))
    return Made(((one,) * task.whole("batch_size"),))


def _encode(task: Task) -> Made:
    return Made((task.images("pixels"),))


def _decode(task: Task) -> Made:
    return Made((task.images("samples"),))


def _save(task: Task) -> Made:
    prefix, about = str(task.inputs["filename_prefix"]), task.about
    images = task.images("images")
    items = [
        task.folders.save(prefix, "png", lambda one=one: pictures.png(one, about)) for one in images
    ]
    return Made((images,), {"images": items})


def _preview(task: Task) -> Made:
    images, about = task.images("images"), task.about
    items = [
        task.folders.preview("png", lambda one=one: pictures.png(one, about)) for one in images
    ]
    return Made((images,), {"images": items})


def _animate(task: Task) -> Made:
    item = _film(task, "fps")
    return Made((), {"images": [item], "animated": [True]})


def _combine(task: Task) -> Made:
    told: Json = {"format": task.inputs["format"], "frame_rate": task.number("frame_rate")}
    return Made((), {"gifs": [_film(task, "frame_rate") | told]})


def _film(task: Task, rate: str) -> Json:
    images, fps = task.images("images"), task.number(rate)
    prefix = str(task.inputs["filename_prefix"])
    if task.inputs.get("save_output", True):
        return task.folders.save(prefix, "webp", lambda: pictures.webp(images, fps))
    return task.folders.preview("webp", lambda: pictures.webp(images, fps))


def _silence(task: Task) -> Made:
    return Made((Sound(task.number("duration")),))


def _save_sound(task: Task) -> Made:
    sound = task.inputs["audio"]
    seconds = sound.seconds if isinstance(sound, Sound) else 0.0
    prefix = str(task.inputs["filename_prefix"])
    return Made((), {"audio": [task.folders.save(prefix, "wav", lambda: sounds.wav(seconds))]})


def _save_shape(task: Task) -> Made:
    prefix = str(task.inputs["filename_prefix"])
    return Made((), {"3d": [task.folders.save(prefix, "glb", sounds.glb)]})


def _text(task: Task) -> Made:
    return Made((), {"text": [str(task.inputs["source"])]})


def _block(task: Task) -> Made:
    return Made((Blocked(None if task.inputs["silent"] else str(task.inputs["message"])),))


def _expand(task: Task) -> Made:
    seeds = range(task.whole("seed"), task.whole("seed") + task.whole("count"))
    step: Json = {"steps": 2, "step_seconds": 0.05, "preview": False, "text": False}
    fails = {seeds[-1]} if task.inputs["fail"] else set[int]()
    return Made(
        nodes=tuple(
            ("SleepProgress", step | {"seed": seed, "fail_at_step": 1 if seed in fails else -1})
            for seed in seeds
        )
    )


def _raise(task: Task) -> Made:
    raise NodeError("ValueError", str(task.inputs["message"]))


def _run_out(_: Task) -> Made:
    raise out_of_memory()


_LENGTHY: Final[dict[str, Callable[[Task], Awaitable[Made]]]] = {
    "KSampler": sampling.sample,
    "SleepProgress": sampling.sleep,
    "AsyncSleep": sampling.sleep_beside,
    "SaveImageWebsocket": sampling.send,
}
_QUICK: Final[dict[str, Callable[[Task], Made]]] = {
    "EmptyImage": _empty,
    "ImageScale": _scale,
    "ImageBlur": _blur,
    "ImageInvert": _invert,
    "LoadImage": _load,
    "CheckpointLoaderSimple": _checkpoint,
    "CLIPTextEncode": _encode_text,
    "EmptyLatentImage": _latent,
    "VAEEncode": _encode,
    "VAEDecode": _decode,
    "SaveImage": _save,
    "PreviewImage": _preview,
    "SaveAnimatedWEBP": _animate,
    "VHS_VideoCombine": _combine,
    "EmptyAudio": _silence,
    "SaveAudioWAV": _save_sound,
    "SaveGLB": _save_shape,
    "PreviewAny": _text,
    "ExpandGraph": _expand,
    "BlockExecution": _block,
    "RaiseError": _raise,
    "RaiseOutOfMemory": _run_out,
}
