"""The API of presets: what can be ordered by a name, with what, and for how much."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app import errors
from app.web import reading
from app.web.operations import Call, Operation, Route
from app.web.preset_views import PresetList, PresetView, viewed
from app.web.services import Presets, Prices
from processors.notifications import texts
from processors.notifications.texts import Language
from schemas.base import Value
from schemas.preset import ChainTarget, Preset
from schemas.wire.api import PresetHeaders, PresetQuery

PATH: Final = "/api/presets"
_TAG: Final = "presets"


class PresetHandlers:
    """Answers for presets."""

    def __init__(self, presets: Presets, prices: Prices) -> None:
        self._presets = presets
        self._prices = prices

    async def list(self, call: Call) -> Response:
        """Show the presets that are active."""
        language = _language(call.request)
        active = [each for each in await self._presets.all() if each.active]
        items = [await self._viewed(each, language) for each in active]
        return _answer(PresetList(items=tuple(items)), language)

    async def read(self, call: Call) -> Response:
        """Show one preset, active or not."""
        language = _language(call.request)
        named: Mapping[str, str] = call.request.path_params
        found = await self._presets.get(named["name"])
        if found is None:
            raise errors.NotFoundError("preset")
        return _answer(await self._viewed(found, language), language)

    async def _viewed(self, preset: Preset, language: Language) -> PresetView:
        """Return a preset as it is shown; of one that is run by itself its price says enough."""
        chain = isinstance(preset.target, ChainTarget)
        return viewed(preset, language, await self._prices.of(preset) if chain else None)


def routes(presets: Presets, prices: Prices) -> tuple[Route, ...]:
    """Return what can be done with presets."""
    do = PresetHandlers(presets, prices)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listPresets",
                tag=_TAG,
                summary="List the presets that can be ordered, by name",
                query=PresetQuery,
                headers=PresetHeaders,
                answer=PresetList,
                errors=(errors.BadFieldError, errors.UnavailableError),
            ),
            do.list,
        ),
        Route(
            Operation(
                method="GET",
                path=f"{PATH}/{{name}}",
                name="readPreset",
                tag=_TAG,
                summary="Read a preset, active or not",
                query=PresetQuery,
                headers=PresetHeaders,
                answer=PresetView,
                errors=(errors.BadFieldError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
    )


def _language(request: Request) -> Language:
    """Return the language that is asked for: the one named, else the one liked best."""
    named = reading.query(PresetQuery, request.scope["query_string"]).language
    liked = reading.headers(PresetHeaders, request).accept_language
    return texts.language_of(named) if named else texts.preferred(liked)


def _answer(shown: Value, language: Language) -> Response:
    return Response(
        shown.model_dump_json(by_alias=True),
        media_type="application/json",
        headers={"Content-Language": language.value, "Vary": "Accept-Language"},
    )
