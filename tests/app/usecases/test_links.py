"""app.usecases.links: a link for each copy there is, minted for the day."""

from datetime import timedelta
from urllib.parse import urlsplit

from app.usecases.links import Links
from processors.protocols import signing
from tests.builders import an_output
from tests.fakes.clock import FakeClock

KEYS = (signing.derive(b"the secret of the tests", "media"), b"an older one")


def test_a_copy_has_a_link_to_look_at_and_one_to_download() -> None:
    """Both lead to the same file, under the address that we are reached at."""
    links = Links(KEYS, "https://us.example.com/relay", FakeClock())
    output = an_output(key="outputs/a/1-00000000-a.png")
    shown, download = links.shown(output), links.download(output)

    assert shown is not None
    assert download is not None
    assert shown.startswith("https://us.example.com/relay/media/outputs/a/1-00000000-a.png?")
    assert urlsplit(shown).path == urlsplit(download).path
    assert ("as=inline" in shown, "as=attachment" in download) == (True, True)


def test_a_file_has_a_link_by_its_key() -> None:
    """To be looked at."""
    link = Links(KEYS, "https://us.example.com", FakeClock()).to("inputs/a.png")

    assert link.startswith("https://us.example.com/media/inputs/a.png?as=inline&")


def test_what_has_no_copy_has_no_link() -> None:
    """The engine's own address is all there is."""
    links = Links(KEYS, "", FakeClock())

    assert links.shown(an_output()) is None
    assert links.download(an_output()) is None


def test_the_links_of_a_day_are_the_same() -> None:
    """Those of the next day are not."""
    clock = FakeClock()
    links = Links(KEYS, "", clock)
    output = an_output(key="outputs/a")
    first = links.shown(output)
    clock.move(timedelta(hours=11))
    assert links.shown(output) == first
    clock.move(timedelta(hours=2))
    assert links.shown(output) != first
