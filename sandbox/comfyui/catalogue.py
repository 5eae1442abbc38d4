"""The node classes of a server, as `/object_info` tells them.

Those that real servers have (EmptyImage to VHS_VideoCombine) have the inputs of ComfyUI 0.30.2 and
of ComfyUI-VideoHelperSuite; the others do on purpose what real nodes do now and then.
"""

from typing import Final

from sandbox.comfyui.classes import NodeClass, Spec

CHECKPOINTS: Final = ("sd_xl_base_1.0.safetensors", "v1-5-pruned-emaonly.safetensors")


def _int(default: int, low: int, high: int, **more: object) -> Spec:
    return "INT", {"default": default, "min": low, "max": high, **more}


def _float(default: float, low: float, high: float, **more: object) -> Spec:
    return "FLOAT", {"default": default, "min": low, "max": high, **more}


def _of(*values: str, **more: object) -> Spec:
    return list(values), dict(more)


def _any(kind: str, **more: object) -> Spec:
    return kind, dict(more)


_SEED = _int(0, 0, 2**64 - 1)
_SIDE = _int(512, 16, 16_384, step=8)
_SAVED_IMAGES = _any("IMAGE", tooltip="The images to save.")
_SAVED_AS = _any(
    "STRING",
    default="ComfyUI",
    tooltip="The prefix for the file to save. This may include formatting information such as "
    "%date:yyyy-MM-dd% or %Empty Latent Image.width% to include values from nodes.",
)
_STEPS = {"steps": _int(5, 0, 10_000), "step_seconds": _float(0.2, 0.0, 60.0, step=0.01)}

_SAMPLERS = (
    "euler",
    "euler_ancestral",
    "heun",
    "dpm_2",
    "lms",
    "dpmpp_2s_ancestral",
    "dpmpp_sde",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "dpmpp_3m_sde",
    "lcm",
    "ddim",
    "uni_pc",
)
_SCHEDULERS = (
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
)

_IMAGES = (
    NodeClass(
        "EmptyImage",
        "Empty Image",
        "image",
        {
            "width": _int(512, 1, 16_384, step=1),
            "height": _int(512, 1, 16_384, step=1),
            "batch_size": _int(1, 1, 4_096),
            "color": _int(0, 0, 0xFFFFFF, step=1, display="color"),
        },
        ("IMAGE",),
    ),
    NodeClass(
        "ImageScale",
        "Upscale Image",
        "image/upscaling",
        {
            "image": _any("IMAGE"),
            "upscale_method": _of("nearest-exact", "bilinear", "area", "bicubic", "lanczos"),
            "width": _int(512, 0, 16_384, step=1),
            "height": _int(512, 0, 16_384, step=1),
            "crop": _of("disabled", "center"),
        },
        ("IMAGE",),
    ),
    NodeClass(
        "ImageBlur",
        "Image Blur",
        "image/postprocessing",
        {
            "image": _any("IMAGE"),
            "blur_radius": _int(1, 1, 31, step=1),
            "sigma": _float(1.0, 0.1, 10.0, step=0.1),
        },
        ("IMAGE",),
    ),
    NodeClass("ImageInvert", "Invert Image", "image", {"image": _any("IMAGE")}, ("IMAGE",)),
    # Its values are the uploads there are; the work itself says which are none.
    NodeClass("LoadImage", "Load Image", "image", {"image": _any("COMBO")}, ("IMAGE", "MASK")),
)
_SAMPLING = (
    NodeClass(
        "CheckpointLoaderSimple",
        "Load Checkpoint",
        "loaders",
        {"ckpt_name": _of(*CHECKPOINTS, tooltip="The name of the checkpoint (model) to load.")},
        ("MODEL", "CLIP", "VAE"),
    ),
    NodeClass(
        "CLIPTextEncode",
        "CLIP Text Encode (Prompt)",
        "conditioning",
        {"text": _any("STRING", multiline=True, dynamicPrompts=True), "clip": _any("CLIP")},
        ("CONDITIONING",),
    ),
    NodeClass(
        "EmptyLatentImage",
        "Empty Latent Image",
        "latent",
        {"width": _SIDE, "height": _SIDE, "batch_size": _int(1, 1, 4_096)},
        ("LATENT",),
    ),
    NodeClass(
        "VAEEncode",
        "VAE Encode",
        "latent",
        {"pixels": _any("IMAGE"), "vae": _any("VAE")},
        ("LATENT",),
    ),
    NodeClass(
        "KSampler",
        "KSampler",
        "sampling",
        {
            "model": _any("MODEL"),
            "seed": _int(0, 0, 2**64 - 1, control_after_generate=True),
            "steps": _int(20, 1, 10_000),
            "cfg": _float(8.0, 0.0, 100.0, step=0.1, round=0.01),
            "sampler_name": _of(*_SAMPLERS),
            "scheduler": _of(*_SCHEDULERS),
            "positive": _any("CONDITIONING"),
            "negative": _any("CONDITIONING"),
            "latent_image": _any("LATENT"),
            "denoise": _float(1.0, 0.0, 1.0, step=0.01),
        },
        ("LATENT",),
    ),
    NodeClass(
        "VAEDecode",
        "VAE Decode",
        "latent",
        {"samples": _any("LATENT"), "vae": _any("VAE")},
        ("IMAGE",),
    ),
)
_SAVING = (
    NodeClass(
        "SaveImage",
        "Save Image",
        "image",
        {"images": _SAVED_IMAGES, "filename_prefix": _SAVED_AS},
        ("IMAGE",),
        output_node=True,
    ),
    NodeClass(
        "PreviewImage",
        "Preview Image",
        "image",
        {"images": _SAVED_IMAGES},
        ("IMAGE",),
        output_node=True,
    ),
    NodeClass(
        "SaveImageWebsocket",
        "SaveImageWebsocket",
        "api/image",
        {"images": _any("IMAGE")},
        output_node=True,
    ),
    NodeClass(
        "SaveAnimatedWEBP",
        "SaveAnimatedWEBP",
        "image/animation",
        {
            "images": _any("IMAGE"),
            "filename_prefix": _any("STRING", default="ComfyUI"),
            "fps": _float(6.0, 0.01, 1_000.0, step=0.01),
            "lossless": _any("BOOLEAN", default=True),
            "quality": _int(80, 0, 100),
            "method": _of("default", "fastest", "slowest"),
        },
        output_node=True,
    ),
    NodeClass(
        "VHS_VideoCombine",
        "Video Combine",
        "Video Helper Suite",
        {
            "images": _any("IMAGE"),
            "frame_rate": _float(8.0, 1.0, 1_000.0, step=1),
            "filename_prefix": _any("STRING", default="AnimateDiff"),
            "format": _of("image/webp"),
            "save_output": _any("BOOLEAN", default=True),
        },
        output_node=True,
    ),
    NodeClass(
        "EmptyAudio",
        "Empty Audio",
        "audio",
        {"duration": _float(60.0, 0.0, 3_600.0, step=0.01)},
        ("AUDIO",),
    ),
    NodeClass(
        "SaveAudioWAV",
        "Save Audio (WAV)",
        "audio",
        {"audio": _any("AUDIO"), "filename_prefix": _any("STRING", default="audio/ComfyUI")},
        output_node=True,
    ),
    NodeClass(
        "SaveGLB",
        "SaveGLB",
        "3d",
        {"filename_prefix": _any("STRING", default="mesh/ComfyUI")},
        output_node=True,
    ),
    NodeClass("PreviewAny", "Preview Any", "utils", {"source": _any("*")}, output_node=True),
)
_ODD = (
    NodeClass(
        "SleepProgress",
        "Sleep With Progress",
        "testing",
        {
            **_STEPS,
            "preview": _any("BOOLEAN", default=True),
            "text": _any("BOOLEAN", default=False),
            "fail_at_step": _int(-1, -1, 10_000),
            "seed": _SEED,
        },
        ("IMAGE",),
        {"image": _any("IMAGE")},
    ),
    NodeClass(
        "AsyncSleep",
        "Async Sleep",
        "testing",
        {**_STEPS, "seed": _SEED},
        ("IMAGE",),
        is_async=True,
    ),
    NodeClass(
        "ExpandGraph",
        "Expand Graph",
        "testing",
        {
            "count": _int(2, 1, 100),
            "seed": _SEED,
            "fail": _any("BOOLEAN", default=False),
        },
        ("IMAGE",),
    ),
    NodeClass(
        "BlockExecution",
        "Block Execution",
        "testing",
        {
            "message": _any("STRING", default=""),
            "silent": _any("BOOLEAN", default=False),
        },
        ("IMAGE",),
    ),
    NodeClass(
        "RaiseError",
        "Raise Error",
        "testing",
        {"image": _any("IMAGE"), "message": _any("STRING", default="It broke on purpose")},
        ("IMAGE",),
    ),
    NodeClass(
        "RaiseOutOfMemory", "Raise Out Of Memory", "testing", {"image": _any("IMAGE")}, ("IMAGE",)
    ),
)

CLASSES: Final = {one.name: one for one in (*_IMAGES, *_SAMPLING, *_SAVING, *_ODD)}
