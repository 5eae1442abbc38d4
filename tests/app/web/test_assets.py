"""app.web.assets: the page's files, kept by browsers until they change; and no other files."""

import re
import tomllib
from pathlib import Path

import pytest

from app.web import assets
from tests.app.web.fakes import World
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio

_ROOT = Path(__file__).parents[3]


async def test_files_under_their_version_are_kept_and_others_asked_for_again() -> None:
    """Both have an ETag, and both may be loaded by anybody's page."""
    version = assets.version()
    async with serving(World()) as site:
        del site.client.headers["Authorization"]
        kept = await site.client.get(f"/assets/{version}/main.js")
        plain = await site.client.get("/assets/comfyui-client.js")
        older = await site.client.get("/assets/0123456789abcdef/main.js")
        known = await site.client.get(
            "/assets/main.js", headers={"If-None-Match": kept.headers["etag"]}
        )

    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["cache-control"] == older.headers["cache-control"] == "public, no-cache"
    assert kept.content == older.content
    assert kept.headers["content-type"] == "text/javascript; charset=utf-8"
    assert kept.headers["x-content-type-options"] == "nosniff"
    assert {each.headers["access-control-allow-origin"] for each in (kept, plain)} == {"*"}
    assert (known.status_code, known.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "package.json",
        "comfyui-client.d.ts",
        "none.js",
        "a/b/main.js",
        "..%2fassets.py",
        "%2e%2e/%2e%2e/assets.py",
        "",
    ],
)
async def test_nothing_else_is_had_there(path: str) -> None:
    """Only the files by their names, wherever they lie."""
    async with serving(World()) as site:
        answer = await site.client.get(f"/assets/{path}")

    assert answer.status_code == 404


async def test_the_page_names_only_files_that_there_are() -> None:
    """Under the version of now; and all of its modules at once."""
    async with serving(World()) as site:
        page = (await site.client.get("/")).text
        named = set(re.findall(r'(?:src|href)="(assets/[^"]+)"', page))
        found = [await site.client.get(each) for each in sorted(named)]

    assert {each.status_code for each in found} == {200}
    modules = {name for name in assets.assets() if name.endswith(".js")} - {"docs.js"}
    assert {each.rpartition("/")[2] for each in named if each.endswith(".js")} == modules


def test_modules_find_each_other() -> None:
    """What each imports lies beside it, and no two folders have a file of the same name."""
    folders = (_ROOT / "app/web/dashboard", _ROOT / "app/web/docs", _ROOT / "clients/js")
    names = [file.name for folder in folders for file in folder.glob("*.js")]
    imported = {
        name
        for each in assets.assets().values()
        for name in re.findall(rb'from "\./([^"]+)"', each.content)
    }

    assert len(names) == len(set(names))
    assert {name.decode() for name in imported} <= set(assets.assets())


def test_the_wheel_has_the_client() -> None:
    """Each of its files is named in pyproject.toml: a folder would bring tests and tools along."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    files = (_ROOT / "clients/js").glob("*.js")
    assert shipped == {f"clients/js/{each.name}": f"app/web/client/{each.name}" for each in files}


def test_no_module_of_the_page_makes_markup_of_text() -> None:
    """Prompts are strangers' words."""
    scripts = (_ROOT / "app/web/dashboard").glob("*.js")

    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\.style\b|srcdoc"
    assert [each.name for each in scripts if re.search(banned, each.read_text())] == []
