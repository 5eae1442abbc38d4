"""How ComfyUI servers are named."""

import base64
from pathlib import Path

import pytest

from app import settings
from app.settings import SettingsError
from schemas.server import ServerSettings
from tests.app.settings.test_loading import LIVE

TOKEN = "a-token-that-nobody-sees"
PASSWORD = "a-password-that-nobody-sees"
ALL = f"""
servers:
  - url: http://10.0.0.5:8188/
  - name: big
    url: https://GPU.example.com/comfy/
    slots: 2
    bearer: {TOKEN}
    headers: {{X-Team: 0123, X-Key: secret-of-a-header}}
  - name: small
    url: http://[::1]:8188
    basic: user:{PASSWORD}
"""


def loaded(value: str) -> tuple[ServerSettings, ...]:
    """Return the servers that the setting names."""
    return settings.load({"COMFYUI_SERVERS": value}, None).comfyui_servers


def a_file(folder: Path, text: str) -> str:
    """Return the path of a file with a text."""
    path = folder / "servers.yaml"
    path.write_text(text)
    return str(path)


def problems(value: str) -> list[str]:
    """Return what is wrong with the setting, its name taken off."""
    with pytest.raises(SettingsError) as caught:
        loaded(value)
    assert all(each.startswith("COMFYUI_SERVERS: ") for each in caught.value.problems)
    return [each.removeprefix("COMFYUI_SERVERS: ") for each in caught.value.problems]


def plain(server: ServerSettings) -> dict[str, str]:
    """Return a server's headers as they are sent."""
    return {name: value.get_secret_value() for name, value in server.headers.items()}


def test_addresses_by_comma_are_enough() -> None:
    """A server is called by host, port and path, and has one slot."""
    assert loaded("http://10.0.0.5:8188/, https://gpu.example.com/a/b//,http://[::1]:80") == (
        ServerSettings(name="10.0.0.5:8188", url="http://10.0.0.5:8188"),
        ServerSettings(name="gpu.example.com:443-a-b", url="https://gpu.example.com/a/b"),
        ServerSettings(name="::1:80", url="http://[::1]"),
    )


def test_a_file_says_more(tmp_path: Path) -> None:
    """Names, slots and credentials, which become headers."""
    first, big, small = loaded(a_file(tmp_path, ALL))

    assert (first.name, first.slots, first.headers) == ("10.0.0.5:8188", 1, {})
    assert (big.name, big.url, big.slots) == ("big", "https://gpu.example.com/comfy", 2)
    assert plain(big) == {
        "X-Team": "0123",
        "X-Key": "secret-of-a-header",
        "Authorization": f"Bearer {TOKEN}",
    }
    pair = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    assert plain(small) == {"Authorization": f"Basic {pair}"}


def test_a_server_may_have_no_slots(tmp_path: Path) -> None:
    """It is given no runs, which is how it is drained."""
    [drained] = loaded(a_file(tmp_path, "servers: [{name: d, url: 'http://d:1', slots: 0}]"))

    assert drained.slots == 0
    assert str(drained) == "d=http://d:1 (0 slots)"


def test_nothing_that_is_printed_holds_a_credential(tmp_path: Path) -> None:
    """Each is registered as a secret, in whichever form it may turn up."""
    made = settings.load({"COMFYUI_SERVERS": a_file(tmp_path, ALL)}, None)
    described = {each.name: each.value for each in made.describe()}["COMFYUI_SERVERS"]
    printed = f"{made!r} {made} {described} {made.model_dump_json()}"
    pair = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    secrets = {TOKEN, PASSWORD, pair, "secret-of-a-header"}

    assert [each for each in secrets if each in printed] == []
    assert secrets | {f"user:{PASSWORD}", f"Bearer {TOKEN}"} <= set(made.secret_values())
    assert described == (
        "http://10.0.0.5:8188,big=https://gpu.example.com/comfy (2 slots),small=http://[::1]:8188"
    )


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Basic ???", f"Basic {base64.b64encode(bytes([200])).decode()}", "Digest something"],
)
def test_an_odd_authorization_is_a_secret_as_it_is(value: str, tmp_path: Path) -> None:
    """Whatever an operator writes there himself."""
    text = f"servers: [{{url: 'http://a:1', headers: {{authorization: '{value}'}}}}]"
    (server,) = loaded(a_file(tmp_path, text))

    found = [*server.secret_values()]
    assert found[0] == value
    assert found[1:] in ([], [value.partition(" ")[2]])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("ftp://10.0.0.5", "address 1.url: is not an address"),
        ("http://a:1,http://user:word@b:2", "address 2.url: is not an address"),
        ("http://a:1?x=1", "address 1.url: is not an address"),
        ("http://a:1/#x", "address 1.url: is not an address"),
        ("http://a:1/é", "address 1.url: has letters beyond ASCII"),
        ("http://a:99999", "address 1.url: is not an address"),
        ("http://a:1/x/y,http://a:1/x-y", "two servers are called a:1-x-y; give them names"),
        ("http://" + ".".join(["a" * 40] * 2), "address 1.name: must be 1 to 64"),
        ("10.0.0.5:8188", "10.0.0.5:8188 cannot be read"),
    ],
)
def test_an_address_that_is_none_is_refused(value: str, said: str) -> None:
    """By its place, and never quoted: it may hold a password."""
    [problem] = problems(value)

    assert problem.startswith(said)
    assert "word" not in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servers: [", "is not YAML (line 1)"),
        ("", "must have a list `servers`"),
        ("- url: http://a:1", "must have a list `servers`"),
        ("servers: []", "must have a list `servers`"),
        ("servers: {url: 'http://a:1'}", "must have a list `servers`"),
        ("\x00", "is not YAML"),
    ],
)
def test_a_file_that_lists_nothing_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """With what it should be."""
    [problem] = problems(a_file(tmp_path, text))

    assert said in problem


def test_a_file_of_brackets_is_refused(tmp_path: Path) -> None:
    """However deep they are."""
    [problem] = problems(a_file(tmp_path, "[" * 20_000))

    assert "cannot be read (RecursionError)" in problem


def test_nobodys_home_is_refused() -> None:
    """A name that no user has."""
    [problem] = problems("~nosuchuser/servers.yaml")

    assert problem == "~nosuchuser/servers.yaml cannot be read (RuntimeError)"


def test_everything_wrong_in_a_file_is_said_at_once(tmp_path: Path) -> None:
    """Each by its place, counted from 1, and without the values."""
    text = f"""
servers:
  - {{name: 'a#1', url: 'http://a:1', slots: 65, colour: red}}
  - {{url: 'http://b:1', bearer: {TOKEN}, basic: 'user:{PASSWORD}'}}
  - {{url: 'http://c:1', basic: {PASSWORD}, headers: {{Host: x, 'a b': y, X-A: "é"}}}}
  - {{name: [x], url: [x], headers: [x]}}
  - just a text
  - {{name: d, url: 'http://d:1', slots: two}}
  - {{name: e, url: 'http://e:1'}}
  - {{name: e, url: 'http://E:1/', bearer: "", headers: {{Authorization: x}}}}
  - {{name: f, url: 'http://e:1/'}}
"""
    found = problems(a_file(tmp_path, text))

    assert [each.partition(":")[0] for each in found] == [
        "servers.1",
        "servers.1.slots",
        "servers.1.name",
        "servers.2",
        "servers.3.headers.Host",
        "servers.3.headers.a b",
        "servers.3.headers.X-A",
        "servers.3.basic",
        "servers.4.url",
        "servers.4.headers",
        "servers.4.name",
        "servers.5",
        "servers.6.slots",
        "servers.8",
        "servers.8.bearer",
        "f has the address of e",
    ]
    assert not any(TOKEN in each or PASSWORD in each for each in found)


def test_a_server_is_an_engine_of_its_own() -> None:
    """Live mode needs no key of ComfyDeploy's beside one, nor where its setting is at fault."""
    without = LIVE | {"COMFYDEPLOY_API_KEY": "", "REPLICATE_API_TOKEN": ""}

    assert settings.load(without | {"COMFYUI_SERVERS": "http://a:1"}, None).live
    with pytest.raises(SettingsError) as caught:
        settings.load(without | {"COMFYUI_SERVERS": "http://a:1?x"}, None)
    assert len(caught.value.problems) == 1


def test_a_credential_over_plain_http_is_a_warning(tmp_path: Path) -> None:
    """Whoever carries the traffic can read it."""
    path = a_file(tmp_path, ALL)

    [warning] = settings.load(LIVE | {"COMFYUI_SERVERS": path}, None).warnings
    assert warning.startswith("COMFYUI_SERVERS: small is plain http")
