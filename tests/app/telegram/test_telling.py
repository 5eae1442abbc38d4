"""An end is told in the richest form that Telegram takes."""

import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta

import pytest

from app.errors import PeerBusyError, PeerRefusedError, PeerUnknownError
from app.telegram import media
from app.telegram.errors import NoSuchChatError
from app.telegram.lanes import PATIENCE
from app.telegram.room import BYTES
from processors.notifications import Content
from processors.notifications.buttons import Button, Rows
from processors.notifications.markup import TEXT_LIMIT
from schemas.run import OutputKind
from tests.app.telegram.setting import (
    HOSTS,
    TIMING,
    Setting,
    a_content,
    a_picture,
    a_setting,
    an_item,
    has,
    hosted,
    with_buttons,
)
from tests.peers import Peers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def setting(peers: Peers) -> AsyncGenerator[Setting]:
    """Return a sender at work, whose Telegram can fetch nothing by URL."""
    await peers.control("telegram", fetch_urls=False)
    async with a_setting(peers) as made:
        yield made


async def test_a_picture_goes_by_url(peers: Peers) -> None:
    """A picture that Telegram can fetch is one call, in reply, with its caption."""
    picture = a_picture()
    async with a_setting(peers, allow_private=True) as setting:
        asked = await setting.show("please")
        item = an_item(url=await hosted(peers, "x.png", picture), name="x.png")
        assert await setting.tell(a_content(item), reply_to=asked)

    message = (await peers.chat(1))[-1]
    assert message["kind"] == "photo"
    assert message["caption"] == "Done & dusted"
    assert message["reply_to"] == asked
    assert message["media"][0]["by"] == "url"
    assert message["media"][0]["sha256"] == hashlib.sha256(picture).hexdigest()
    assert await setting.methods() == ["sendMessage", "sendPhoto"]


async def test_what_telegram_cannot_fetch_is_uploaded(setting: Setting) -> None:
    """The bytes are fetched from the listed hosts and go up under the file's name."""
    item = an_item(name="a lighthouse.png")
    has(setting, item)

    await setting.tell(a_content(item))

    (message,) = await setting.peers.chat(1)
    assert message["media"][0]["by"] == "upload"
    assert message["media"][0]["filename"] == "a lighthouse.png"
    assert setting.fetch.asked == [(item.url, HOSTS)]
    assert await setting.methods() == ["sendPhoto", "sendPhoto"]


async def test_case_47_a_photo_of_6_mb_by_url_is_uploaded(peers: Peers) -> None:
    """What is too large for Telegram to fetch is not too large to be brought."""
    picture = a_picture() + bytes(6_000_000)
    item = an_item(url=await hosted(peers, "x.png", picture))
    async with a_setting(peers, allow_private=True) as setting:
        has(setting, item, content=picture)
        await setting.tell(a_content(item))

        assert await setting.kinds() == ["photo"]
        assert await setting.methods() == ["sendPhoto", "sendPhoto"]


async def test_what_is_not_public_is_uploaded_at_once(setting: Setting) -> None:
    """Telegram is not asked to fetch from an address that only we can reach."""
    item = an_item(url="http://127.0.0.1:1/0.png")
    has(setting, item)

    await setting.tell(a_content(item))

    assert await setting.methods() == ["sendPhoto"]


async def test_what_a_server_of_our_own_has_is_always_uploaded(peers: Peers) -> None:
    """Neither Telegram nor a person hears where it is, even where it could be reached."""
    there = "https://gpu.cdn.test/comfy"
    async with a_setting(peers, allow_private=True, own=(there,)) as setting:
        first, second, gone = (an_item(n, url=f"{there}/view?filename={n}.png") for n in range(3))
        kept = gone.change(link="https://here.test/media/gone.png")
        for item in (first, second):
            has(setting, item)
        await setting.tell(a_content(first))
        await setting.tell(a_content(first, second))
        await setting.tell(a_content(gone))
        await setting.tell(a_content(kept))

    said = json.dumps(await peers.look("telegram/requests"))
    messages = await peers.chat(1)
    assert there not in said
    assert [each["kind"] for each in messages] == ["photo", "photo", "photo", "text", "text"]
    assert [each["media"][0]["by"] for each in messages[:3]] == ["upload"] * 3
    assert "2.png" in messages[3]["text"]
    assert "https://here.test/media/gone.png" in json.dumps(messages[4])


@pytest.mark.parametrize(("width", "height"), [(10_001, 1), (9_999, 2), (2100, 100)])
async def test_case_47_a_picture_that_is_no_photo_goes_as_a_document(
    setting: Setting, width: int, height: int
) -> None:
    """Sides of more than 10,000 and a ratio of more than 20 are no photo to Telegram."""
    item = an_item()
    has(setting, item, content=a_picture(width, height))

    await setting.tell(a_content(item))

    assert await setting.kinds() == ["document"]


async def test_case_47_a_photo_of_11_mb_goes_as_a_document(setting: Setting) -> None:
    """What is too large for a photo is not tried as one."""
    item = an_item(url="http://127.0.0.1:1/0.png")
    has(setting, item, content=a_picture() + bytes(media.PHOTO_UPLOAD_BYTES))

    await setting.tell(a_content(item))

    assert await setting.methods() == ["sendDocument"]


async def test_case_47_a_request_that_is_too_large_becomes_a_link(setting: Setting) -> None:
    """A 413, as JSON or as a proxy's page, asks for less."""
    item = an_item(url="http://127.0.0.1:1/0.png")
    has(setting, item)
    await setting.peers.control("telegram/faults", method="sendPhoto", kind="413-json")
    await setting.peers.control("telegram/faults", method="sendDocument", kind="413-html")

    await setting.tell(a_content(item))

    (message,) = await setting.peers.chat(1)
    assert message["text"] == "Done & dusted\n0.png"
    assert f'<a href="{item.url}">0.png</a>' in message["raw"]


async def test_what_nobody_can_fetch_becomes_a_link(setting: Setting) -> None:
    """The person always gets something; but it is no file that got there."""
    assert not await setting.tell(a_content(an_item()))

    (message,) = await setting.peers.chat(1)
    assert message["text"] == "Done & dusted\n0.png"


async def test_a_file_that_only_the_record_has_is_named(setting: Setting) -> None:
    """Where it cannot be sent, and as long as there is no copy to link to."""
    assert not await setting.tell(a_content(an_item(url="data:image/png;base64,AAAA")))

    (message,) = await setting.peers.chat(1)
    assert message["text"] == "Done & dusted\n0.png"
    assert "data:" not in message["raw"]


async def test_a_link_leads_to_our_copy_where_there_is_one(setting: Setting) -> None:
    """It outlives the engine's own address."""
    ours = "https://us.example.com/media/outputs/a/1-00000000-0.png"
    await setting.tell(a_content(an_item().change(link=ours)))

    (message,) = await setting.peers.chat(1)
    assert f'<a href="{ours}">0.png</a>' in message["raw"]


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (OutputKind.VIDEO, "a.mp4", "video"),
        (OutputKind.AUDIO, "a.mp3", "audio"),
        (OutputKind.IMAGE, "a.gif", "animation"),
        (OutputKind.MODEL, "a.glb", "document"),
        (OutputKind.TEXT, "a.txt", "document"),
    ],
)
async def test_each_kind_has_its_form(
    setting: Setting, kind: OutputKind, name: str, expected: str
) -> None:
    """A video is a video, and what Telegram cannot show is a document."""
    item = an_item(kind=kind, name=name)
    has(setting, item, content=b"bytes")

    await setting.tell(a_content(item))

    assert await setting.kinds() == [expected]


async def test_words_without_outputs(setting: Setting) -> None:
    """An end without outputs is a message."""
    await setting.tell(a_content())

    (message,) = await setting.peers.chat(1)
    assert (message["text"], message["parse_mode"]) == ("Done & dusted", "HTML")


@pytest.mark.parametrize("said", ["can't parse entities: x", "message caption is too long"])
async def test_case_47_refused_markup_goes_plain(setting: Setting, said: str) -> None:
    """Better without bold letters than not at all."""
    item = an_item(url="http://127.0.0.1:1/0.png")
    has(setting, item)
    await setting.peers.control(
        "telegram/faults", kind="400", method="sendPhoto", description=f"Bad Request: {said}"
    )

    await setting.tell(a_content(item))

    (message,) = await setting.peers.chat(1)
    assert message["kind"] == "photo"
    assert (message["caption"], message["parse_mode"]) == ("Done & dusted", None)


@pytest.mark.parametrize(("count", "albums"), [(2, [2]), (10, [10]), (11, [10, 1]), (13, [10, 3])])
async def test_case_47_albums(setting: Setting, count: int, albums: list[int]) -> None:
    """Pictures go in albums of 2 to 10, the caption under the first, one left over alone."""
    items = [an_item(n, url=f"http://127.0.0.1:1/{n}.png") for n in range(count)]
    for n, item in enumerate(items):
        has(setting, item, content=a_picture(n + 1))

    await setting.tell(a_content(*items))

    messages = await setting.peers.chat(1)
    groups = [message["media_group_id"] for message in messages]
    assert [groups.count(group) for group in dict.fromkeys(groups)] == albums
    assert [message["caption"] for message in messages] == ["Done & dusted", *[""] * (count - 1)]


async def test_an_album_goes_by_url(peers: Peers) -> None:
    """Where Telegram can fetch all of them, an album is one call."""
    items = [
        an_item(n, url=await hosted(peers, f"{n}.png", a_picture(n + 1)), name=f"{n}.png")
        for n in range(3)
    ]
    async with a_setting(peers, allow_private=True) as setting:
        await setting.tell(a_content(*items))

    assert [message["media"][0]["by"] for message in await peers.chat(1)] == ["url"] * 3
    assert await setting.methods() == ["sendMediaGroup"]


async def test_an_album_that_is_refused_goes_one_by_one(setting: Setting) -> None:
    """One picture that Telegram does not like costs the others only their album."""
    items = [an_item(n, url=f"http://127.0.0.1:1/{n}.png") for n in range(3)]
    has(setting, *items)
    has(setting, items[1], content=a_picture(10_001, 1))

    await setting.tell(a_content(*items))

    assert await setting.kinds() == ["photo", "document", "photo"]
    assert await setting.methods() == [
        "sendMediaGroup",
        *("sendPhoto", "sendPhoto", "sendDocument", "sendPhoto"),
    ]


async def test_an_album_that_cannot_be_fetched_becomes_links(setting: Setting) -> None:
    """Each picture that nobody can fetch is a link of its own; the words stand in the first."""
    items = [an_item(n, url=f"http://127.0.0.1:1/{n}.png") for n in range(2)]

    await setting.tell(a_content(*items))

    texts = [message["text"] for message in await setting.peers.chat(1)]
    assert texts == ["Done & dusted\n0.png", "1.png"]


async def test_an_album_too_large_for_memory_goes_one_by_one(setting: Setting) -> None:
    """No more of an album is held at a time than a process can bear."""
    items = [
        an_item(n, kind=OutputKind.VIDEO, name=f"{n}.mp4", url=f"http://127.0.0.1:1/{n}.mp4")
        for n in range(2)
    ]
    has(setting, *items, content=bytes(media.ALBUM_UPLOAD_BYTES // 2 + 1))

    await setting.tell(a_content(*items))

    assert await setting.methods() == ["sendVideo", "sendVideo"]


async def test_uploads_of_many_chats_share_their_memory(setting: Setting) -> None:
    """What is held for uploads has a bound; who finds no room in time is tried again later."""
    item = an_item(url="http://127.0.0.1:1/0.png")
    has(setting, item, content=a_picture())
    async with setting.room.share(BYTES - media.USUAL_BYTES + 1):
        with pytest.raises(PeerBusyError) as caught:
            await setting.tell(a_content(item))
    await setting.tell(a_content(item))

    assert caught.value.retry_after is not None
    assert await setting.methods() == ["sendPhoto"]


async def test_a_file_of_unusual_size_waits_for_room_of_its_size(setting: Setting) -> None:
    """A large file is fetched again with all the room it may take."""
    item = an_item(kind=OutputKind.VIDEO, name="0.mp4", url="http://127.0.0.1:1/0.mp4")
    has(setting, item, content=bytes(media.USUAL_BYTES + 1))

    await setting.tell(a_content(item))

    assert await setting.methods() == ["sendVideo"]
    assert len(setting.fetch.asked) == 2


async def test_trying_again_repeats_nothing(setting: Setting) -> None:
    """When Telegram fails in the middle, the next try sends the rest."""
    items = [an_item(n, url=f"http://127.0.0.1:1/{n}.png") for n in range(11)]
    has(setting, *items)
    content = a_content(*items)
    await setting.peers.control("telegram/faults", kind="500", method="sendPhoto")

    with pytest.raises(PeerBusyError):
        await setting.tell(content)
    await setting.tell(content)

    assert len(await setting.peers.chat(1)) == 11


@pytest.fixture
async def hasty(peers: Peers) -> AsyncGenerator[Setting]:
    """Return a sender whose every call takes longer than a debt's claim can bear another."""
    await peers.control("telegram", fetch_urls=False)
    timing = TIMING.change(lease=PATIENCE + TIMING.send_limit + TIMING.call_limit)
    async with a_setting(peers, timing=timing) as made:
        yield made


async def tries(setting: Setting, content: Content) -> int:
    """Tell an end until it is told; return how many tries that took."""
    for n in range(1, 20):
        with suppress(PeerBusyError):
            await setting.tell(content)
            return n
    raise AssertionError


async def test_several_messages_that_take_long_are_sent_by_several_tries(hasty: Setting) -> None:
    """Nothing is begun that the debt's claim may not outlast, and nothing is sent twice."""
    songs = [an_item(n, kind=OutputKind.AUDIO, name=f"{n}.mp3") for n in range(3)]
    has(hasty, *songs, content=b"la")

    assert await tries(hasty, a_content(*songs)) > 1
    assert await hasty.kinds() == ["audio"] * 3


async def test_fallbacks_that_take_long_are_gone_through_by_several_tries(hasty: Setting) -> None:
    """A try goes on with the form that the one before did not come to."""
    item = an_item()
    has(hasty, item, content=a_picture(10_001, 1))
    url, photo = "sendPhoto", "sendPhoto"

    assert await tries(hasty, a_content(item)) > 1
    assert await hasty.methods() == [url, photo, "sendDocument"]
    assert await hasty.kinds() == ["document"]


async def test_an_album_that_takes_long_comes_apart_in_the_end(hasty: Setting) -> None:
    """Every try brings something, whatever is refused on the way."""
    items = [an_item(n) for n in range(2)]
    has(hasty, *items)
    has(hasty, items[1], content=a_picture(10_001, 1))

    assert await tries(hasty, a_content(*items)) > 1
    assert await hasty.kinds() == ["photo", "document"]


async def test_an_album_whose_files_do_not_come_in_time_becomes_links(peers: Peers) -> None:
    """Who keeps the files may hang; the person gets links."""
    items = [an_item(n, url=f"http://127.0.0.1:1/{n}.png") for n in range(2)]
    async with a_setting(
        peers, timing=TIMING.change(call_limit=timedelta(milliseconds=50))
    ) as setting:
        setting.fetch.hangs = True
        await setting.tell(a_content(*items))

    assert await setting.kinds() == ["text", "text"]


async def test_an_unknown_fate_is_told_as_such(peers: Peers) -> None:
    """When the answer does not come it is not known whether the person has it."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="sent-then-reset")
        with pytest.raises(PeerUnknownError):
            await setting.tell(a_content())


async def test_no_other_form_is_tried_where_there_is_no_chat(setting: Setting) -> None:
    """A chat that does not exist refuses every form."""
    item = an_item()
    has(setting, item)

    with pytest.raises(NoSuchChatError):
        await setting.tell(a_content(item), chat_id=404404)

    assert await setting.methods() == ["sendPhoto"]


async def test_a_refusal_of_everything_is_a_refusal(setting: Setting) -> None:
    """What Telegram will take in no form goes back to the caller, who buries it."""
    await setting.peers.control("telegram/faults", kind="400", times=9)

    with pytest.raises(PeerRefusedError):
        await setting.tell(a_content(an_item()))


async def test_texts_come_after_pictures(setting: Setting) -> None:
    """The caption stands under the picture, texts follow, as they are."""
    item = an_item(1, url="http://127.0.0.1:1/1.png")
    has(setting, item)

    await setting.tell(a_content(an_item(0, text="<4> & more"), item))

    first, second = await setting.peers.chat(1)
    assert (first["kind"], first["caption"]) == ("photo", "Done & dusted")
    assert (second["kind"], second["text"]) == ("text", "<4> & more")


async def test_case_47_a_long_text_is_a_file(setting: Setting) -> None:
    """What fits no message comes as a document after the words."""
    await setting.tell(a_content(an_item(text="é" * (TEXT_LIMIT + 1))))

    first, second = await setting.peers.chat(1)
    assert first["text"] == "Done & dusted"
    assert second["kind"] == "document"
    assert second["media"][0]["size"] == 2 * (TEXT_LIMIT + 1)
    assert second["media"][0]["filename"] == "text.txt"


async def test_a_long_text_that_may_be_no_file_is_cut(setting: Setting) -> None:
    """The beginning of a text is better than none."""
    await setting.peers.control("telegram/faults", kind="400", method="sendDocument")

    await setting.tell(a_content(an_item(text="é" * (TEXT_LIMIT + 1))))

    assert (await setting.peers.chat(1))[1]["text"] == "é" * (TEXT_LIMIT - 1) + "…"


async def test_the_status_message_becomes_the_picture(setting: Setting) -> None:
    """With nothing but one file, our message turns into it: told twice, it is there once."""
    status, item = await setting.show("running"), an_item()
    has(setting, item)

    await setting.tell(a_content(item), replace=status)
    await setting.tell(a_content(item), replace=status)

    (message,) = await setting.peers.chat(1)
    assert (message["message_id"], message["kind"]) == (status, "photo")
    assert message["caption"] == "Done & dusted"


async def test_the_status_message_becomes_the_words(setting: Setting) -> None:
    """A failure takes the place of the status."""
    status = await setting.show("running")

    await setting.tell(a_content(), replace=status)

    (message,) = await setting.peers.chat(1)
    assert (message["message_id"], message["text"]) == (status, "Done & dusted")


async def test_the_status_message_becomes_a_link(setting: Setting) -> None:
    """Where nobody can fetch the file, our message turns into a link to it."""
    status = await setting.show("running")

    await setting.tell(a_content(an_item()), replace=status)

    (message,) = await setting.peers.chat(1)
    assert (message["message_id"], message["text"]) == (status, "Done & dusted\n0.png")


async def test_a_status_message_cannot_become_an_album(setting: Setting) -> None:
    """It becomes the words, the album follows, and no try repeats either."""
    status = await setting.show("running")
    items = [an_item(n, url=f"http://127.0.0.1:1/{n}.png") for n in range(2)]
    has(setting, *items)
    await setting.peers.control("telegram/faults", kind="500", method="sendMediaGroup")

    with pytest.raises(PeerBusyError):
        await setting.tell(a_content(*items), replace=status)
    await setting.tell(a_content(*items), replace=status)

    words, *album = await setting.peers.chat(1)
    assert (words["message_id"], words["text"]) == (status, "Done & dusted")
    assert [message["caption"] for message in album] == ["", ""]


@pytest.mark.parametrize("pictured", [True, False])
async def test_a_status_message_that_is_gone_is_sent_anew(
    setting: Setting, *, pictured: bool
) -> None:
    """Who deletes our message still gets the end."""
    item = an_item()
    has(setting, item)

    await setting.tell(a_content(item) if pictured else a_content(), replace=77)

    assert await setting.kinds() == ["photo" if pictured else "text"]


async def test_a_picture_cannot_become_words(setting: Setting) -> None:
    """A later end that brings no file is sent under the picture that stood before."""
    status, item = await setting.show("running"), an_item()
    has(setting, item)
    await setting.tell(a_content(item), replace=status)

    await setting.tell(Content(text="after all", plain="after all"), replace=status)

    assert await setting.kinds() == ["photo", "text"]


PRESSED = ["a:1", "i:1"]


async def test_the_words_carry_the_buttons(setting: Setting) -> None:
    """A message of text, a file with its caption, a link, and a long text's file."""
    item = an_item()
    await setting.tell(with_buttons())
    await setting.tell(with_buttons(item))
    has(setting, item)
    await setting.tell(with_buttons(item))

    assert await setting.kinds() == ["text", "text", "photo"]
    assert await setting.buttons() == [PRESSED] * 3


@pytest.mark.parametrize("pictured", [True, False])
async def test_a_status_message_that_becomes_the_end_changes_its_buttons(
    setting: Setting, *, pictured: bool
) -> None:
    """What could be cancelled can be ordered again."""
    item = an_item()
    has(setting, item)
    cancel: Rows = ((Button(text="Cancel", data="c:1"),),)
    status = await setting.show("running", rows=cancel)

    await setting.tell(with_buttons(*([item] if pictured else [])), replace=status)

    assert await setting.buttons() == [PRESSED]


async def test_under_an_album_a_short_message_carries_the_buttons(setting: Setting) -> None:
    """An album takes none."""
    items = [an_item(n) for n in range(2)]
    has(setting, *items)

    await setting.tell(with_buttons(*items))

    assert await setting.kinds() == ["photo", "photo", "text"]
    assert await setting.buttons() == [[], [], PRESSED]
    assert (await setting.peers.chat(1))[-1]["text"] == "What <next>?"


async def test_what_comes_after_an_album_carries_the_buttons(setting: Setting) -> None:
    """The first message that can: nothing is sent for their sake alone."""
    items = [an_item(n) for n in range(11)]
    has(setting, *items)

    await setting.tell(with_buttons(*items, an_item(text="and a text")))

    assert await setting.kinds() == ["photo"] * 11 + ["text"]
    assert await setting.buttons() == [[]] * 10 + [PRESSED, []]


async def test_buttons_that_could_not_be_sent_are_sent_by_the_next_try(setting: Setting) -> None:
    """And the album before them is not sent again, nor are they."""
    items, faults = [an_item(n) for n in range(2)], "telegram/faults"
    has(setting, *items)
    await setting.peers.control(faults, kind="500", method="sendMessage")

    with pytest.raises(PeerBusyError):
        await setting.tell(with_buttons(*items))
    await setting.tell(with_buttons(*items))

    assert await setting.buttons() == [[], [], PRESSED]


async def test_words_before_an_album_carry_the_buttons(setting: Setting) -> None:
    """Where the status message becomes the words, nothing is left to be sent after the album."""
    items = [an_item(n) for n in range(2)]
    has(setting, *items)
    status = await setting.show("running")

    await setting.tell(with_buttons(*items), replace=status)

    assert await setting.buttons() == [PRESSED, [], []]
