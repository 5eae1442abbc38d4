"""sandbox.telegram.methods: what aiogram's bot does can be read back from the chat."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    ReplyParameters,
)

from tests.peers import Peers
from tests.sandbox.comfydeploy.client import submitted
from tests.sandbox.telegram.pictures import a_picture

pytestmark = pytest.mark.anyio

CHAT = 4711
PICTURE = a_picture()
KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="again", callback_data="again")]]
)


def _upload(data: bytes = PICTURE, name: str = "sea.png") -> BufferedInputFile:
    return BufferedInputFile(data, name)


async def _picture_url(peers: Peers, kind: str = "image", name: str = "hero_00001_.png") -> str:
    run_id = await submitted(peers, sandbox_outputs=kind)
    return f"{peers.url}/outputs/runs/{run_id}/{name}"


async def test_introduces_itself(bot: Bot) -> None:
    """The bot's id is that of its token."""
    assert (await bot.get_me()).id == 42


async def test_sends_text(peers: Peers, bot: Bot) -> None:
    """A text is in the chat as readers see it."""
    sent = await bot.send_message(
        CHAT, "<b>hello</b> sea", parse_mode="HTML", reply_markup=KEYBOARD
    )

    (message,) = await peers.chat(CHAT)
    assert sent.text == message["text"] == "hello sea"
    assert message["raw"] == "<b>hello</b> sea"
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0].callback_data == "again"
    assert message["reply_markup"]["inline_keyboard"][0][0]["text"] == "again"


@pytest.mark.parametrize("chat_id", [CHAT, -5, -1001234, "@channel"])
async def test_knows_every_kind_of_chat(bot: Bot, chat_id: int | str) -> None:
    """The kind of a chat follows from its id."""
    sent = await bot.send_message(chat_id, "hello")
    chat = await bot.get_chat(chat_id)

    assert (sent.chat.id, sent.chat.type) == (chat.id, chat.type)


@pytest.mark.parametrize("kind", ["photo", "video", "audio", "document", "animation"])
async def test_sends_uploads(peers: Peers, bot: Bot, kind: str) -> None:
    """Each kind of file can be uploaded, and its bytes come back."""
    send: Callable[..., Awaitable[Any]] = getattr(bot, f"send_{kind}")
    sent = await send(CHAT, _upload(), caption="the sea")

    file = sent.photo[-1] if kind == "photo" else getattr(sent, kind)
    found = await bot.get_file(file.file_id)
    assert found.file_path is not None
    loaded = await bot.download_file(found.file_path)

    (message,) = await peers.chat(CHAT)
    assert loaded is not None
    assert loaded.read() == PICTURE
    assert (message["kind"], message["caption"]) == (kind, "the sea")
    assert message["media"][0]["by"] == "upload"
    assert message["media"][0]["sha256"] == hashlib.sha256(PICTURE).hexdigest()


async def test_sends_a_photo_by_url(peers: Peers, bot: Bot) -> None:
    """The sandbox fetches the URL itself; the file's id is good for the next send."""
    url = await _picture_url(peers)
    sent = await bot.send_photo(CHAT, url)
    assert sent.photo is not None
    await bot.send_photo(CHAT, sent.photo[-1].file_id)

    first, second = await peers.chat(CHAT)
    assert (first["media"][0]["by"], first["media"][0]["url"]) == ("url", url)
    assert second["media"][0]["by"] == "file_id"
    assert first["media"][0]["sha256"] == second["media"][0]["sha256"]


async def test_refuses_urls_it_cannot_fetch(peers: Peers, bot: Bot) -> None:
    """No answer, an error, too many bytes, the wrong type and no URL are refused."""
    large = await _picture_url(peers, "large", "large_00001_.png")
    page = await _picture_url(peers, "html", "page_00001.html")

    for url, reason in (
        ("http://127.0.0.1:1/x.png", "failed to get HTTP URL content"),
        (f"{peers.url}/nowhere.png", "failed to get HTTP URL content"),
        (large, "failed to get HTTP URL content"),
        (page, "wrong type of the web page content"),
        ("ftp://example.com/x.png", "wrong file identifier/HTTP URL specified"),
        ("unknown-id", "wrong file identifier/HTTP URL specified"),
    ):
        with pytest.raises(TelegramBadRequest, match=reason):
            await bot.send_photo(CHAT, url)
    assert await peers.chat(CHAT) == []


async def test_fetches_nothing_when_told(peers: Peers, bot: Bot) -> None:
    """With fetching off, URLs fail as those of private hosts do at Telegram."""
    await peers.control("telegram", fetch_urls=False)

    with pytest.raises(TelegramBadRequest, match="failed to get HTTP URL content"):
        await bot.send_photo(CHAT, await _picture_url(peers))


async def test_fetches_some_documents(peers: Peers, bot: Bot) -> None:
    """A zip is fetched as a document, a picture is not, and a video is fetched as one."""
    await bot.send_document(CHAT, await _picture_url(peers, "files", "model_00001.zip"))
    await bot.send_video(CHAT, await _picture_url(peers, "video", "clip_00001.mp4"))

    with pytest.raises(TelegramBadRequest, match="wrong type"):
        await bot.send_document(CHAT, await _picture_url(peers))
    assert [one["kind"] for one in await peers.chat(CHAT)] == ["document", "video"]


async def test_refuses_uploads_beyond_the_limits(bot: Bot) -> None:
    """A photo must be one, and 50 MB is the end."""
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await bot.send_photo(CHAT, _upload(b"no picture"))
    with pytest.raises(TelegramEntityTooLarge):
        await bot.send_document(CHAT, _upload(bytes(50 * 1024 * 1024 + 1)))


async def test_sends_albums(peers: Peers, bot: Bot) -> None:
    """An album is as many messages of one group, uploads and URLs mixed."""
    url = await _picture_url(peers)
    sent = await bot.send_media_group(
        CHAT, [InputMediaPhoto(media=_upload(), caption="two"), InputMediaPhoto(media=url)]
    )

    first, second = await peers.chat(CHAT)
    assert len(sent) == 2
    assert sent[0].media_group_id == first["media_group_id"] == second["media_group_id"]
    assert (first["caption"], second["caption"]) == ("two", "")
    assert second["media"][0]["by"] == "url"


async def test_refuses_albums(peers: Peers, bot: Bot) -> None:
    """Kinds that do not go together are refused whole."""
    with pytest.raises(TelegramBadRequest, match="can't be mixed"):
        await bot.send_media_group(
            CHAT, [InputMediaDocument(media=_upload()), InputMediaAudio(media=_upload())]
        )

    assert await peers.chat(CHAT) == []


async def test_edits_text(peers: Peers, bot: Bot) -> None:
    """An edit changes the message in place and takes the keyboard away."""
    sent = await bot.send_message(CHAT, "hello", reply_markup=KEYBOARD)
    edited = await bot.edit_message_text("bye", chat_id=CHAT, message_id=sent.message_id)

    (message,) = await peers.chat(CHAT)
    assert message["text"] == "bye"
    assert (message["edits"], message["reply_markup"]) == (1, None)
    assert not isinstance(edited, bool)
    assert edited.edit_date is not None


async def test_edits_captions_media_and_keyboards(peers: Peers, bot: Bot) -> None:
    """Everything about a message can be changed, and a text become a photo."""
    sent = await bot.send_message(CHAT, "wait")
    await sent.edit_media(InputMediaPhoto(media=_upload(), caption="one"))
    await sent.edit_caption(caption="two")
    await sent.edit_reply_markup(reply_markup=KEYBOARD)

    (message,) = await peers.chat(CHAT)
    assert (message["kind"], message["caption"], message["edits"]) == ("photo", "two", 3)
    assert message["reply_markup"] is not None


async def test_refuses_edits_that_change_nothing(peers: Peers, bot: Bot) -> None:
    """The same text again is no edit, nor is the same file by URL; an upload is always new."""
    url = await _picture_url(peers)
    text = await bot.send_message(CHAT, "same")
    photo = await bot.send_photo(CHAT, url)

    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await text.edit_text("same")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await photo.edit_media(InputMediaPhoto(media=url))
    await photo.edit_media(InputMediaPhoto(media=_upload()))


async def test_refuses_edits_of_the_wrong_kind(bot: Bot) -> None:
    """A photo has no text, a text no caption, and what is not there cannot be edited."""
    text = await bot.send_message(CHAT, "text")
    photo = await bot.send_photo(CHAT, _upload())

    with pytest.raises(TelegramBadRequest, match="no text in the message"):
        await bot.edit_message_text("x", chat_id=CHAT, message_id=photo.message_id)
    with pytest.raises(TelegramBadRequest, match="no caption in the message"):
        await bot.edit_message_caption(caption="x", chat_id=CHAT, message_id=text.message_id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=CHAT, message_id=999)


async def test_deletes(peers: Peers, bot: Bot) -> None:
    """A deleted message is gone, and cannot be deleted twice."""
    sent = await bot.send_message(CHAT, "x")
    await sent.delete()

    assert await peers.chat(CHAT) == []
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await sent.delete()


async def test_replies(peers: Peers, bot: Bot) -> None:
    """A reply shows what it replies to; to nothing, it needs permission."""
    first = await bot.send_message(CHAT, "first")
    reply = await first.reply("second")

    assert reply.reply_to_message is not None
    assert reply.reply_to_message.text == "first"
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(CHAT, "x", reply_parameters=ReplyParameters(message_id=999))
    await bot.send_message(
        CHAT,
        "third",
        reply_parameters=ReplyParameters(message_id=999, allow_sending_without_reply=True),
    )
    assert [one["reply_to"] for one in await peers.chat(CHAT)] == [None, 1, None]


@pytest.mark.parametrize("chat_id", [404404, 0, "nobody", ""])
async def test_knows_no_such_chat(bot: Bot, chat_id: int | str) -> None:
    """One id, and what is none, is never found."""
    with pytest.raises(TelegramBadRequest, match="chat"):
        await bot.send_message(chat_id, "x")


async def test_says_what_it_is_doing(peers: Peers, bot: Bot) -> None:
    """An action is seen, and is no message."""
    assert await bot.send_chat_action(CHAT, "typing")

    (event,) = (await peers.look("telegram/seen"))["events"]
    assert (event["kind"], event["chat_id"], event["action"]) == ("action", CHAT, "typing")


async def test_refuses_tokens(peers: Peers, bot: Bot) -> None:
    """Two secrets are bad, and what is no token is not found."""
    for token, error in (
        ("42:unauthorized", TelegramUnauthorizedError),
        ("42:notfound", TelegramNotFound),
    ):
        async with Bot(token, session=type(bot.session)(api=bot.session.api)) as other:
            with pytest.raises(error):
                await other.get_me()
    answer = await peers.client.get(f"{peers.telegram}/botnone/getMe")
    assert answer.status_code == 404


async def test_takes_other_bodies(peers: Peers) -> None:
    """JSON, forms and queries do as well as multipart."""
    url = f"{peers.telegram}/bot42:secret/sendMessage"
    await peers.client.post(url, json={"chat_id": CHAT, "text": "json", "reply_markup": None})
    await peers.client.post(url, data={"chat_id": str(CHAT), "text": "form"})
    await peers.client.get(url, params={"chat_id": CHAT, "text": "query"})

    assert [one["text"] for one in await peers.chat(CHAT)] == ["json", "form", "query"]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("doMagic", {}),
        ("sendPhoto", {"chat_id": CHAT}),
        ("sendMessage", {"chat_id": CHAT, "text": "x", "reply_markup": "{"}),
        ("sendMessage", {"chat_id": CHAT, "text": "x", "reply_markup": "[]"}),
        ("sendMediaGroup", {"chat_id": CHAT, "media": "{}"}),
        ("sendMediaGroup", {"chat_id": CHAT, "media": '[{"type":"photo"},{"type":"photo"}]'}),
        ("editMessageMedia", {"chat_id": CHAT, "message_id": 1, "media": '{"type":"x"}'}),
        ("getFile", {"file_id": "x"}),
    ],
)
async def test_refuses_calls_that_make_no_sense(
    peers: Peers, bot: Bot, method: str, fields: dict[str, object]
) -> None:
    """What aiogram would never send gets an answer in Telegram's form, too."""
    await bot.send_message(CHAT, "first")
    answer = await peers.client.post(f"{peers.telegram}/bot42:secret/{method}", json=fields)

    assert answer.status_code == answer.json()["error_code"]
    assert answer.json()["ok"] is False


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"[]"),
        ("application/json", b"{"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
    ],
)
async def test_refuses_broken_bodies(peers: Peers, content_type: str, body: bytes) -> None:
    """A body that cannot be read is a bad request."""
    answer = await peers.client.post(
        f"{peers.telegram}/bot42:secret/getMe", content=body, headers={"Content-Type": content_type}
    )

    assert answer.status_code == 400


async def test_has_no_other_files(peers: Peers) -> None:
    """A path that no file has is a 404."""
    answer = await peers.client.get(f"{peers.telegram}/file/bot42:secret/photos/x")

    assert answer.status_code == 404


async def test_writes_down_every_call(peers: Peers, bot: Bot) -> None:
    """Calls are listed in order with chat and outcome."""
    await bot.send_message(CHAT, "x")
    with pytest.raises(TelegramAPIError):
        await bot.send_message("@", "x")

    first, second = await peers.look("telegram/requests")
    assert (first["method"], first["chat_id"], first["ok"]) == ("sendMessage", CHAT, True)
    assert (second["chat_id"], second["ok"], second["status"]) == ("@", False, 400)
    assert first["at"] < second["at"]
