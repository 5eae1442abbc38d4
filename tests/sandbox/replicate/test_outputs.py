"""sandbox.replicate.outputs: shapes of every kind, and pictures made of pictures."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from sandbox.replicate.painting import BAND, colour_of
from tests.peers import Peers
from tests.sandbox.replicate.client import made

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("text", ["Once", " upon", " a", " time"]),
        ("words", "Once upon a time"),
        ("number", 0.8125),
        ("boolean", True),
        ("null", None),
    ],
)
async def test_makes_what_is_no_file(peers: Peers, shape: str, expected: object) -> None:
    """By an input of the prediction."""
    assert (await made(peers, prompt="", sandbox_output=shape))["output"] == expected


async def test_makes_files_of_many_shapes(peers: Peers) -> None:
    """An address, a list, an object with nulls, a data URL, a video, and something huge."""
    assert (await _file(peers, (await made(peers))["output"]))[0] == "image/png"
    listed = (await made(peers, num_outputs=2, output_format="webp"))["output"]
    files = [await _file(peers, link) for link in listed]
    assert [kind for kind, _ in files] == ["image/webp", "image/webp"]
    assert files[0] != files[1]
    await peers.control("replicate", output="object")
    assert await _file(peers, listed[1]) == files[1]
    shaped: Any = (await made(peers, num_outputs=3))["output"]
    assert (shaped["image"][-9:], len(shaped["variants"]), shaped["mask"]) == ("out-0.png", 2, None)
    data: Any = (await made(peers, sandbox_output="data"))["output"]
    head, _, encoded = data.partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).format == "JPEG"
    link = (await made(peers, sandbox_output="video"))["output"]
    assert (await _file(peers, link))[0] == "video/mp4"
    link = (await made(peers, sandbox_output="huge"))["output"]
    assert str(link).endswith("out-0.png")
    odd = (await made(peers, num_outputs="many", sandbox_output="list"))["output"]
    assert len(odd) == 1


async def test_a_chain_of_garments_adds_up(peers: Peers) -> None:
    """Each step takes the picture of the one before and adds its band, in a colour of its own."""
    person = _data_url(Image.new("RGB", (768, 400), (250, 10, 10)))
    garment = _data_url(Image.new("RGB", (40, 40), (10, 250, 10)))
    link, bands = person, ["a blue hat", "a green coat", "red shoes"]
    for words in bands:
        # The garment comes first, and the person is what is dressed.
        body = await made(peers, garm_img=garment, human_img=link, prompt=words, seed=3)
        link = body["output"]
    picture = Image.open(io.BytesIO((await _file(peers, link))[1])).convert("RGB")

    assert picture.size == (768, 400 + BAND * 3)
    assert picture.getpixel((400, 200)) == (250, 10, 10)
    seen = [picture.getpixel((1, 400 + BAND * index + 1)) for index in range(3)]
    assert seen == [colour_of(words, "3") for words in bands]
    assert picture.getpixel((8 + 20, 400 + 8 + 20)) == (10, 250, 10)


async def test_takes_lists_of_pictures_and_leaves_out_what_is_none(peers: Peers) -> None:
    """A text and a broken picture are no pictures; nothing is made of them."""
    texts = ["data:,words", "data:image/png;base64,eHh4"]
    pictures = [*texts, _data_url(Image.new("RGB", (100, 100), "white"))]
    body = await made(peers, input_images=pictures)
    made_of_one = Image.open(io.BytesIO((await _file(peers, body["output"]))[1]))
    body = await made(peers, image=texts[1])
    made_of_none = Image.open(io.BytesIO((await _file(peers, body["output"]))[1]))

    assert made_of_one.size == (768, 768 + BAND)
    assert made_of_none.size == (768, 512)


async def test_files_can_be_out_of_reach(peers: Peers) -> None:
    """The store may be down, the files may be gone, and other names never were."""
    link = (await made(peers))["output"]
    other = await peers.client.get(f"{link}.old")
    await peers.control("replicate", files="down")
    down = await peers.client.get(link)
    await peers.control("replicate", files="gone")
    gone = await peers.client.get(link)

    assert [answer.status_code for answer in (other, down, gone)] == [404, 503, 404]


async def _file(peers: Peers, link: str) -> tuple[str, bytes]:
    answer = (await peers.client.get(link)).raise_for_status()
    return answer.headers["content-type"], answer.content


def _data_url(picture: Image.Image) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
