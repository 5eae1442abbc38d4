"""Uploads, files that nodes make, and how they are fetched."""

import io
import json
import struct
import wave
from typing import Any

import pytest
from PIL import Image

from tests.peers import Json, Peers
from tests.sandbox.comfyui.client import Said, a_socket, node, posted, sampling

pytestmark = pytest.mark.anyio


async def test_saves_a_picture_that_tells_how_it_was_made(peers: Peers) -> None:
    """A PNG of the asked size, with the prompt and the given extra texts in it."""
    url, extra = peers.comfyui[0], {"extra_pnginfo": {"workflow": {"id": "w"}}}
    prompt = sampling()
    outputs = await _made(peers, prompt, extra_data=extra)
    (item,) = outputs["9"]["images"]
    answer = await peers.client.get(f"{url}/view", params=item)
    picture = Image.open(io.BytesIO(answer.content))

    assert item == {"filename": "sea_00001_.png", "subfolder": "", "type": "output"}
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'filename="sea_00001_.png"'
    assert picture.size == (64, 64)
    assert json.loads(picture.info["prompt"]) == prompt
    assert json.loads(picture.info["workflow"]) == {"id": "w"}


async def test_draws_what_was_asked_for(peers: Peers) -> None:
    """Another seed or text makes another picture; the same makes the same again."""
    pixels = [
        (await _picture(peers, prompt, "9", server)).tobytes()
        for prompt, server in (
            (sampling(1), 0),
            (sampling(1), 1),
            (sampling(2), 0),
            (sampling(1, text="a hill"), 0),
        )
    ]

    assert pixels[0] == pixels[1]
    assert len(set(pixels)) == 3


async def test_draws_previews_that_change(peers: Peers) -> None:
    """Each step's preview is a JPEG unlike the others."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        await posted(peers, url, sampling(steps=3))
        await listener.run()
    images = [said.image for said in listener.heard if said.kind == "frame 1"]

    assert len(set(images)) == 3
    assert {Image.open(io.BytesIO(image)).format for image in images} == {"JPEG"}


async def test_works_on_pictures(peers: Peers) -> None:
    """Colours are as given, inverted, scaled and blurred; large ones are drawn smaller."""
    prompt = {
        "1": node("EmptyImage", width=2_000, height=10, batch_size=2, color=0x0000FF),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node(
            "ImageScale",
            image=["2", 0],
            upscale_method="area",
            width=20,
            height=10,
            crop="disabled",
        ),
        "4": node("ImageBlur", image=["3", 0], blur_radius=1, sigma=1.0),
        "5": node("PreviewImage", images=["4", 0]),
        "6": node("PreviewImage", images=["1", 0]),
    }
    outputs = await _made(peers, prompt)
    small = await _fetched(peers, outputs["5"]["images"][0])
    large = await _fetched(peers, outputs["6"]["images"][1])

    assert outputs["5"]["images"][0]["type"] == "temp"
    assert (small.size, small.getpixel((3, 3))) == ((20, 10), (255, 255, 0))
    assert (large.size, large.getpixel((3, 3))) == ((1_024, 5), (0, 0, 255))


async def test_works_on_uploads(peers: Peers) -> None:
    """A picture from the input folder is loaded, encoded, and seen below what is sampled."""
    url = peers.comfyui[0]
    given = await _upload(peers, "me.png", _png((200, 10, 10)), subfolder="sub")
    assert given == {"name": "me.png", "subfolder": "sub", "type": "input"}
    prompt = sampling(steps=1) | {
        "1": node("LoadImage", image="sub/me.png"),
        "2": node("VAEEncode", pixels=["1", 0], vae=["4", 2]),
        "10": node("PreviewImage", images=["1", 0]),
    }
    prompt["3"]["inputs"]["latent_image"] = ["2", 0]
    outputs = await _made(peers, prompt)
    plain = await _fetched(peers, outputs["10"]["images"][0])
    info = (await peers.client.get(f"{url}/object_info/LoadImage")).json()
    everything = (await peers.client.get(f"{url}/object_info")).json()

    assert plain.getpixel((1, 1)) == (200, 10, 10)
    assert (await _fetched(peers, outputs["9"]["images"][0])).size == plain.size
    assert info["LoadImage"]["input"]["required"]["image"][0] == ["sub/me.png"]
    assert everything["LoadImage"] == info["LoadImage"]


async def test_notices_that_an_upload_has_changed(peers: Peers) -> None:
    """The cache knows the bytes, not the name alone."""
    url = peers.comfyui[0]
    prompt = {"1": node("LoadImage", image="me.png"), "2": node("PreviewImage", images=["1", 0])}
    for colour in ((1, 2, 3), (4, 5, 6)):
        await _upload(peers, "me.png", _png(colour), overwrite="true")
        async with a_socket(url) as listener:
            await posted(peers, url, prompt)
            heard = await listener.run()
        assert next(said for said in heard if said.kind == "execution_cached").data["nodes"] == []


async def test_fails_over_what_is_no_picture(peers: Peers) -> None:
    """Any file can be uploaded, but not loaded."""
    url = peers.comfyui[0]
    await _upload(peers, "x.txt", b"words")
    async with a_socket(url) as listener:
        prompt = {"1": node("LoadImage", image="x.txt"), "2": node("PreviewImage", images=["1", 0])}
        await posted(peers, url, prompt)
        heard = await listener.run()

    assert heard[-3].data["exception_type"] == "PIL.UnidentifiedImageError"
    assert heard[-3].data["exception_message"].endswith("\n")


async def test_names_uploads(peers: Peers) -> None:
    """The same bytes keep their name, others get a number, and `overwrite` replaces."""
    first, second = _png((1, 1, 1)), _png((2, 2, 2))
    names = [
        (await _upload(peers, "up.png", data, **more))["name"]
        for data, more in (
            (first, {}),
            (first, {}),
            (second, {}),
            (second, {}),
            (second, {"overwrite": "1"}),
        )
    ]
    assert names == ["up.png", "up.png", "up (1).png", "up (1).png", "up.png"]
    assert (await _upload(peers, "plain", b"x", type="output"))["type"] == "output"
    assert (await _upload(peers, "sub/up.png", first))["name"] == "sub/up.png"
    answer = await peers.client.get(
        f"{peers.comfyui[0]}/view", params={"filename": "up.png", "type": "input"}
    )
    assert answer.content == second


@pytest.mark.parametrize(
    ("field", "name", "form", "status"),
    [
        ("file", "x.png", {}, 400),
        ("image", "../x.png", {}, 400),
        ("image", "/x.png", {}, 500),
        ("image", "x" * 300, {}, 500),
        ("image", "x.png", {"type": "nope"}, 500),
    ],
)
async def test_refuses_uploads(
    peers: Peers, field: str, name: str, form: dict[str, str], status: int
) -> None:
    """Wrong fields, and names that lead elsewhere."""
    answer = await peers.client.post(
        f"{peers.comfyui[0]}/upload/image", files={field: (name, b"x", "image/png")}, data=form
    )

    assert answer.status_code == status


async def test_refuses_an_upload_without_an_end(peers: Peers) -> None:
    """What is no form is answered with 400."""
    answer = await peers.client.post(
        f"{peers.comfyui[0]}/upload/image",
        content=b"x",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("filename=no.png", 404),
        ("filename=../x.png", 400),
        ("filename=x.png&type=nope", 400),
        ("filename=x.png&type=input&subfolder=../..", 403),
        ("filename=x.png&type=input", 200),
        ("filename=x.png%20[input]", 200),
    ],
)
async def test_shows_files(peers: Peers, query: str, status: int) -> None:
    """Where they are, and nowhere else."""
    await _upload(peers, "x.png", _png((1, 2, 3)))
    answer = await peers.client.get(f"{peers.comfyui[0]}/view?{query}")

    assert answer.status_code == status


async def test_shows_parts_and_heads(peers: Peers) -> None:
    """HEAD has the headers alone, a range its bytes, `preview` another format."""
    data = _png((1, 2, 3))
    await _upload(peers, "x.png", data)
    url = f"{peers.comfyui[0]}/view?filename=x.png&type=input"
    head = await peers.client.head(url)
    part = await peers.client.get(url, headers={"Range": "bytes=1-3"})
    rest = await peers.client.get(url, headers={"Range": "bytes=4-"})
    webp = await peers.client.get(f"{url}&preview=webp;80")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(data))
    assert head.headers["etag"] == part.headers["etag"]
    assert (part.status_code, part.content) == (206, data[1:4])
    assert part.headers["content-range"] == f"bytes 1-3/{len(data)}"
    assert rest.content == data[4:]
    assert webp.headers["content-type"] == "image/webp"


async def test_makes_other_files(peers: Peers) -> None:
    """Films under `images` and `gifs`, sounds under `audio`, shapes under `3d`."""
    prompt = {
        "1": node("EmptyImage", width=8, height=8, batch_size=2, color=255),
        "2": node(
            "SaveAnimatedWEBP",
            images=["1", 0],
            filename_prefix="film",
            fps=6.0,
            lossless=True,
            quality=80,
            method="default",
        ),
        "3": node(
            "VHS_VideoCombine",
            images=["1", 0],
            frame_rate=8,
            filename_prefix="vhs/film",
            format="image/webp",
            save_output=True,
        ),
        "4": node(
            "VHS_VideoCombine",
            images=["1", 0],
            frame_rate=8,
            filename_prefix="film",
            format="image/webp",
            save_output=False,
        ),
        "5": node("EmptyAudio", duration=0.5),
        "6": node("SaveAudioWAV", audio=["5", 0], filename_prefix="audio/ComfyUI"),
        "7": node("SaveGLB", filename_prefix="mesh/ComfyUI"),
    }
    outputs = await _made(peers, prompt)
    (film,), (gif,), (draft,) = (
        outputs["2"]["images"],
        outputs["3"]["gifs"],
        outputs["4"]["gifs"],
    )
    webp = Image.open(io.BytesIO(await _bytes(peers, film)))
    with wave.open(io.BytesIO(await _bytes(peers, outputs["6"]["audio"][0]))) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    shape = await _bytes(peers, outputs["7"]["3d"][0])

    assert outputs["2"]["animated"] == [True]
    assert webp.format == "WEBP"
    assert (gif["format"], gif["subfolder"], gif["type"]) == ("image/webp", "vhs", "output")
    assert draft["type"] == "temp"
    assert seconds == 0.5
    assert struct.unpack("<4sII", shape[:12]) == (b"glTF", 2, len(shape))


async def test_raises(peers: Peers) -> None:
    """A node may break, and one may run out of memory."""
    url, ends = peers.comfyui[0], list[Said]()
    async with a_socket(url) as listener:
        for broken in (
            node("RaiseError", image=["1", 0], message="No such thing"),
            node("RaiseOutOfMemory", image=["1", 0]),
        ):
            prompt = {
                "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
                "2": broken,
                "3": node("PreviewImage", images=["2", 0]),
            }
            await posted(peers, url, prompt)
            ends.append((await listener.run())[-3])

    assert ends[0].data["exception_message"] == "No such thing\n"
    assert ends[1].data["exception_type"] == "torch.OutOfMemoryError"


async def _made(peers: Peers, prompt: Json, server: int = 0, **more: object) -> Json:
    """Run a prompt and return its outputs."""
    url = peers.comfyui[server]
    async with a_socket(url) as listener:
        prompt_id = await posted(peers, url, prompt, **more)
        await listener.run()
    answer = await peers.client.get(f"{url}/history/{prompt_id}")
    return answer.json()[prompt_id]["outputs"]


async def _picture(peers: Peers, prompt: Json, node_id: str, server: int) -> Image.Image:
    outputs = await _made(peers, prompt, server)
    return await _fetched(peers, outputs[node_id]["images"][0], server)


async def _fetched(peers: Peers, item: Json, server: int = 0) -> Image.Image:
    return Image.open(io.BytesIO(await _bytes(peers, item, server)))


async def _bytes(peers: Peers, item: Json, server: int = 0) -> bytes:
    kept = {key: item[key] for key in ("filename", "subfolder", "type")}
    answer = await peers.client.get(f"{peers.comfyui[server]}/view", params=kept)
    return answer.raise_for_status().content


async def _upload(peers: Peers, name: str, data: bytes, **form: str) -> Any:  # noqa: ANN401 - any JSON
    answer = await peers.client.post(
        f"{peers.comfyui[0]}/upload/image", files={"image": (name, data, "image/png")}, data=form
    )
    return answer.raise_for_status().json()


def _png(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(out, "PNG")
    return out.getvalue()
