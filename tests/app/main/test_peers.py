"""app.main.peers: what was set, or the stand-ins."""

from pydantic import SecretStr

from app.main.peers import peers_of
from app.main.sandboxed import Addresses
from app.settings import Mode, Settings
from schemas.server import ServerSettings

STAND_INS = Addresses(
    url="http://127.0.0.1:1",
    comfydeploy="http://127.0.0.1:1/api",
    comfyui=["http://127.0.0.1:1/comfyui/1", "http://127.0.0.1:1/comfyui/2"],
    telegram="http://127.0.0.1:1",
    outputs_host="127.0.0.1:1",
    keeper=1,
    pid=1,
    token="t",
)
OURS = ServerSettings(name="box", url="http://10.0.0.5:8188")


def test_stand_ins_stand_in_for_comfyui_servers_that_are_not_set() -> None:
    """Each has a name of its own, for both have one address and two paths."""
    peers = peers_of(Settings(), STAND_INS, "http://127.0.0.1:2")

    assert [(each.name, each.url) for each in peers.comfyui_servers] == [
        ("sandbox-1", "http://127.0.0.1:1/comfyui/1"),
        ("sandbox-2", "http://127.0.0.1:1/comfyui/2"),
    ]
    assert peers.own == tuple(STAND_INS.comfyui)


def test_replicate_is_on_by_its_token_or_stood_in_for() -> None:
    """An older sandbox has none, and then it is off; a token alone does not lead out of it."""
    there = STAND_INS.model_copy(
        update={
            "replicate": "http://127.0.0.1:1/v1",
            "replicate_token": "r8_sandbox",
            "replicate_secret": "whsec_AA==",
        }
    )
    own = Settings(
        replicate_api_token=SecretStr("r8_x"),
        replicate_api_url="https://r.example.com/v1",
        replicate_webhook_secret=(SecretStr("whsec_AQ=="),),
    )

    assert peers_of(Settings(), STAND_INS, "").replicate_url is None
    stood_in = peers_of(Settings(), there, "")
    assert (stood_in.replicate_url, stood_in.replicate_token) == (there.replicate, "r8_sandbox")
    assert stood_in.replicate_secrets == ("whsec_AA==",)
    assert stood_in.replicate_hosts == (STAND_INS.outputs_host,)
    # A stand-in of somebody's own keeps its outputs where it is.
    assert peers_of(own, there, "").replicate_hosts == (STAND_INS.outputs_host, "r.example.com")
    for peers in (peers_of(own, there, ""), peers_of(own, None, "")):
        assert (peers.replicate_url, peers.replicate_token) == ("https://r.example.com/v1", "r8_x")
        assert peers.replicate_secrets == ("whsec_AQ==",)
    assert (
        peers_of(Settings(replicate_api_url="https://r.example.com"), None, "").replicate_url
        is None
    )


def test_servers_that_are_set_are_used_in_either_mode() -> None:
    """A real ComfyUI can be tried with nothing but its address."""
    sandbox = Settings(comfyui_servers=(OURS,))
    live = Settings(mode=Mode.LIVE, comfyui_servers=(OURS,), webhook_secret=(SecretStr("w" * 32),))

    assert peers_of(sandbox, STAND_INS, "http://127.0.0.1:2").comfyui_servers == (OURS,)
    peers = peers_of(live, None, "http://127.0.0.1:2")
    assert peers.comfyui_servers == (OURS,)
    assert peers.comfydeploy_url is None
    assert peers_of(Settings(mode=Mode.LIVE), None, "http://127.0.0.1:2").own == ()


def test_webhooks_are_signed_with_what_was_set_or_by_the_stand_in() -> None:
    """Live, nothing stands in for a secret that is not set."""
    stand_ins = STAND_INS.model_copy(update={"replicate_secret": "whsec_theirs"})
    given = Settings(replicate_webhook_secret=(SecretStr("whsec_a"), SecretStr("whsec_b")))
    local = "http://127.0.0.1:2"

    assert peers_of(Settings(), stand_ins, local).replicate_secrets == ("whsec_theirs",)
    assert peers_of(Settings(), STAND_INS, local).replicate_secrets == ()
    assert peers_of(given, stand_ins, local).replicate_secrets == ("whsec_a", "whsec_b")
    assert peers_of(Settings(mode=Mode.LIVE), None, local).replicate_secrets == ()
    assert "whsec" not in repr(peers_of(given, stand_ins, local))
