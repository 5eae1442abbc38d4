"""The keys that we sign with."""

from urllib.parse import parse_qs, urlsplit

from app.settings import Settings
from processors.protocols import signing
from schemas.base import EngineName
from schemas.generation import Generation


class Keys:
    """The keys that URLs of ours are signed with, derived by purpose: first signs, all verify."""

    def __init__(self, settings: Settings) -> None:
        self._secrets = tuple(each.get_secret_value().encode() for each in settings.webhook_secret)
        viewing = settings.view_token_secret or settings.webhook_secret
        self._viewing = tuple(each.get_secret_value().encode() for each in viewing)

    def of(self, engine: EngineName) -> tuple[bytes, ...]:
        """Return an engine's keys, the signing one first."""
        return tuple(signing.derive(secret, f"webhook:{engine}") for secret in self._secrets)

    def media(self) -> tuple[bytes, ...]:
        """Return the keys of links to files, the signing one first."""
        return tuple(signing.derive(secret, "media") for secret in self._secrets)

    def view(self) -> tuple[bytes, ...]:
        """Return the keys of view tokens, the signing one first."""
        return tuple(signing.derive(secret, "view") for secret in self._viewing)

    def digests_of(self, telegram_id: int) -> tuple[str, ...]:
        """Return what somebody may have been forgotten under; the first is what they would be."""
        forgotten = (signing.derive(secret, "forgotten") for secret in self._secrets)
        return tuple(signing.person_digest(key, telegram_id) for key in forgotten)

    def webhook_of(self, base: str, generation: Generation) -> str:
        """Return the webhook URL of a generation's current attempt."""
        engine, attempt = generation.engine, generation.attempt
        token = signing.webhook_token(self.of(engine)[0], engine, generation.id, attempt)
        return signing.webhook_url(base, engine, generation.id, token)

    def names(self, webhook: str | None, generation: Generation) -> bool:
        """Return whether a run's webhook URL is ours for this generation and attempt.

        Its base is not compared: it may have been another before a restart.
        """
        try:
            query = parse_qs(urlsplit(webhook).query) if webhook else {}
        except ValueError:
            # A deployment's other runs carry whatever their owners gave them: "http://[nope".
            return False
        given = query.get("generation", [""])[0], query.get("token", [""])[0]
        if given[0] != generation.id:
            return False
        engine = generation.engine
        attempt = signing.verify(self.of(engine), engine, generation.id, given[1])
        return attempt == generation.attempt
