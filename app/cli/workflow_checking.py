"""Whether the ComfyUI servers have what workflows need, said before anything is loaded."""

from collections.abc import Iterator, Mapping

from app.bootstrap.engines import make_client, make_comfyui
from app.bootstrap.peers import Peers
from app.cli.preset_workflows import Drawn
from app.errors import SetupError
from app.main import sandboxed
from app.main.peers import peers_of
from app.observability.metrics import Metrics
from app.settings import Settings
from app.usecases.check_workflows import Compared, compare
from schemas.timing import Timing


async def check(settings: Settings, workflows: Mapping[str, Drawn]) -> tuple[str, ...]:
    """Return warnings: whom nobody could ask.

    Raises:
        SetupError: No server that answers can run one of them; names what each of them lacks.
    """
    if not workflows:
        return ()
    servers = servers_of(settings)
    async with make_client(servers.comfyui_servers) as client:
        engine = make_comfyui(servers, client, Timing(), Metrics())
        wanted = {digest: each.workflow for digest, each in workflows.items()}
        compared = await compare(wanted, tuple(engine.servers.values()))
    problems = tuple(_lacking(compared, workflows))
    if problems:
        raise SetupError([*problems, "--no-check loads it without asking them"])
    return tuple(_warnings(compared))


def servers_of(settings: Settings) -> Peers:
    """Return where the servers are: those that were set, or the stand-ins of a running sandbox."""
    stand_ins = None if settings.live else sandboxed.noted(settings.data_dir)
    return peers_of(settings, stand_ins, "")


def _lacking(compared: Compared, workflows: Mapping[str, Drawn]) -> Iterator[str]:
    for digest, by_server in compared.lacking.items():
        for server, lacks in by_server.items():
            for each in lacks:
                yield f"{workflows[digest].where}{server} cannot run it: {each}"
    if compared.lacking:
        yield from compared.silent.values()


def _warnings(compared: Compared) -> Iterator[str]:
    if not compared.answered and not compared.silent:
        yield "The workflows were not checked: no ComfyUI is set up (COMFYUI_SERVERS)."
    elif not compared.answered:
        yield f"The workflows were not checked: {'; '.join(compared.silent.values())}"
    else:
        for said in compared.silent.values():
            yield f"Not compared with every server: {said}"
