"""What we say, in each language that we speak. Every table has every key, with the same fields."""

# Russian is written in Cyrillic letters, some of which look like Latin ones.
# ruff: noqa: RUF001

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """A language that we speak."""

    ENGLISH = "en"
    RUSSIAN = "ru"
    PORTUGUESE = "pt"


class Say(StrEnum):
    """One thing that we say; values of statuses and reasons are those of the record."""

    WAITING = "waiting"
    PENDING = "pending"
    SUBMITTING = "submitting"
    QUEUED = "queued"
    STARTED = "started"
    RUNNING = "running"
    UPLOADING = "uploading"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    CANCELLING = "cancelling"
    POSITION = "position"
    ELAPSED = "elapsed"
    DURATION = "duration"
    COST = "cost"
    COST_UNKNOWN = "cost_unknown"
    NOTHING_MADE = "nothing_made"
    HELD_BACK = "held_back"
    MORE = "more"
    AFTER_ALL = "after_all"
    UNCONFIRMED_NOTE = "unconfirmed_note"
    PROVISIONAL = "provisional"
    AS_YOU_ASKED = "as_you_asked"
    NOT_ASKED_FOR = "not_asked_for"
    ENGINE_LIMIT = "engine_limit"
    ENGINE_GAVE_UP = "engine_gave_up"
    NO_REASON = "no_reason"
    LAST_STEP = "last_step"
    ENGINE_SAYS = "engine_says"
    REASON_CODE = "reason_code"
    REASON_SUBMIT_UNKNOWN = "reason_submit_unknown"
    REASON_LOST = "reason_lost"
    REASON_OVERDUE = "reason_overdue"
    REASON_REFUSED = "reason_refused"
    REASON_CANCEL_UNCONFIRMED = "reason_cancel_unconfirmed"
    REASON_INPUT_GONE = "reason_input_gone"
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"


ENGLISH: Final[Mapping[Say, str]] = {
    Say.WAITING: "Waiting for its turn",
    Say.PENDING: "Accepted",
    Say.SUBMITTING: "Being sent to the engine",
    Say.QUEUED: "In the queue",
    Say.STARTED: "A machine is getting ready",
    Say.RUNNING: "Running",
    Say.UPLOADING: "Uploading the result",
    Say.COMPLETED: "Done",
    Say.FAILED: "It failed",
    Say.CANCELLED: "Cancelled",
    Say.TIMEOUT: "It took too long and was stopped",
    Say.CANCELLING: "Being cancelled",
    Say.POSITION: "place {position} in the queue",
    Say.ELAPSED: "running for {time}",
    Say.DURATION: "Time: {time}",
    Say.COST: "Cost: ${amount}",
    Say.COST_UNKNOWN: "Cost: not known yet",
    Say.NOTHING_MADE: "The run made nothing that can be shown.",
    Say.HELD_BACK: "Held back, because their source could not be checked: {count}",
    Say.MORE: "Not sent here: {count} more",
    Say.AFTER_ALL: "What you were told before was not final. The engine has now said:",
    Say.UNCONFIRMED_NOTE: "The engine could not be asked whether this is right.",
    Say.PROVISIONAL: "The engine has not said so itself. If it says otherwise, you will be told.",
    Say.AS_YOU_ASKED: "As you asked.",
    Say.NOT_ASKED_FOR: "The engine cancelled it; nobody had asked for that here.",
    Say.ENGINE_LIMIT: "The engine stopped it at its own time limit.",
    Say.ENGINE_GAVE_UP: "The engine had heard nothing of it for so long that it gave it up.",
    Say.NO_REASON: "The engine gave no reason.",
    Say.LAST_STEP: "Last step seen: {step}",
    Say.ENGINE_SAYS: "The engine says: {reason}",
    Say.REASON_CODE: "Reason: {reason}",
    Say.REASON_SUBMIT_UNKNOWN: "The engine never confirmed that it had received this.",
    Say.REASON_LOST: "The engine knows nothing of this run any more.",
    Say.REASON_OVERDUE: "It was not finished within its time limit.",
    Say.REASON_REFUSED: "The engine refused to run this.",
    Say.REASON_CANCEL_UNCONFIRMED: "The engine did not answer when asked to cancel.",
    Say.REASON_INPUT_GONE: "The picture you sent is no longer kept; send it again.",
    Say.SECONDS: "{n} s",
    Say.MINUTES: "{n} min",
    Say.HOURS: "{n} h",
}

RUSSIAN: Final[Mapping[Say, str]] = {
    Say.WAITING: "Ждёт своей очереди",
    Say.PENDING: "Принято",
    Say.SUBMITTING: "Отправляется движку",
    Say.QUEUED: "В очереди",
    Say.STARTED: "Машина готовится",
    Say.RUNNING: "Выполняется",
    Say.UPLOADING: "Результат загружается",
    Say.COMPLETED: "Готово",
    Say.FAILED: "Не получилось",
    Say.CANCELLED: "Отменено",
    Say.TIMEOUT: "Заняло слишком много времени и остановлено",
    Say.CANCELLING: "Отменяется",
    Say.POSITION: "место в очереди: {position}",
    Say.ELAPSED: "выполняется {time}",
    Say.DURATION: "Время: {time}",
    Say.COST: "Стоимость: ${amount}",
    Say.COST_UNKNOWN: "Стоимость: пока неизвестна",
    Say.NOTHING_MADE: "Запуск не создал ничего, что можно показать.",
    Say.HELD_BACK: "Не показано, потому что источник не проверен: {count}",
    Say.MORE: "Не отправлено сюда: ещё {count}",
    Say.AFTER_ALL: "Прежнее сообщение не было окончательным. Теперь движок ответил:",
    Say.UNCONFIRMED_NOTE: "Спросить у движка, так ли это, не удалось.",
    Say.PROVISIONAL: "Сам движок этого не подтвердил. Если он ответит иначе, мы сообщим.",
    Say.AS_YOU_ASKED: "Как вы и просили.",
    Say.NOT_ASKED_FOR: "Отменил сам движок; здесь об этом никто не просил.",
    Say.ENGINE_LIMIT: "Движок остановил запуск по своему ограничению времени.",
    Say.ENGINE_GAVE_UP: "Движок так долго ничего не слышал о запуске, что счёл его потерянным.",
    Say.NO_REASON: "Движок не назвал причину.",
    Say.LAST_STEP: "Последний замеченный шаг: {step}",
    Say.ENGINE_SAYS: "Ответ движка: {reason}",
    Say.REASON_CODE: "Причина: {reason}",
    Say.REASON_SUBMIT_UNKNOWN: "Движок так и не подтвердил, что получил запрос.",
    Say.REASON_LOST: "Движок больше ничего не знает об этом запуске.",
    Say.REASON_OVERDUE: "Не закончилось за отведённое время.",
    Say.REASON_REFUSED: "Движок отказался это выполнять.",
    Say.REASON_CANCEL_UNCONFIRMED: "Движок не ответил на просьбу об отмене.",
    Say.REASON_INPUT_GONE: "Присланная картинка больше не хранится, пришлите её ещё раз.",
    Say.SECONDS: "{n} с",
    Say.MINUTES: "{n} мин",
    Say.HOURS: "{n} ч",
}

PORTUGUESE: Final[Mapping[Say, str]] = {
    Say.WAITING: "À espera da sua vez",
    Say.PENDING: "Aceito",
    Say.SUBMITTING: "A caminho do motor",
    Say.QUEUED: "Na fila",
    Say.STARTED: "Uma máquina está se preparando",
    Say.RUNNING: "Em execução",
    Say.UPLOADING: "Enviando o resultado",
    Say.COMPLETED: "Pronto",
    Say.FAILED: "Não deu certo",
    Say.CANCELLED: "Cancelado",
    Say.TIMEOUT: "Demorou demais e foi interrompido",
    Say.CANCELLING: "Cancelando",
    Say.POSITION: "lugar na fila: {position}",
    Say.ELAPSED: "em execução há {time}",
    Say.DURATION: "Tempo: {time}",
    Say.COST: "Custo: ${amount}",
    Say.COST_UNKNOWN: "Custo: ainda desconhecido",
    Say.NOTHING_MADE: "A execução não produziu nada que possa ser mostrado.",
    Say.HELD_BACK: "Retido, porque a origem não pôde ser verificada: {count}",
    Say.MORE: "Não enviado aqui: mais {count}",
    Say.AFTER_ALL: "O aviso anterior não era definitivo. Agora o motor respondeu:",
    Say.UNCONFIRMED_NOTE: "Não foi possível perguntar ao motor se isto está certo.",
    Say.PROVISIONAL: "O próprio motor não confirmou isto. Se ele disser outra coisa, avisaremos.",
    Say.AS_YOU_ASKED: "Como você pediu.",
    Say.NOT_ASKED_FOR: "O próprio motor cancelou; ninguém pediu isso aqui.",
    Say.ENGINE_LIMIT: "O motor interrompeu a execução pelo seu próprio limite de tempo.",
    Say.ENGINE_GAVE_UP: "O motor ficou tanto tempo sem notícias da execução que a deu por perdida.",
    Say.NO_REASON: "O motor não informou o motivo.",
    Say.LAST_STEP: "Último passo visto: {step}",
    Say.ENGINE_SAYS: "O motor diz: {reason}",
    Say.REASON_CODE: "Motivo: {reason}",
    Say.REASON_SUBMIT_UNKNOWN: "O motor nunca confirmou que recebeu o pedido.",
    Say.REASON_LOST: "O motor não sabe mais nada desta execução.",
    Say.REASON_OVERDUE: "Não terminou dentro do tempo limite.",
    Say.REASON_REFUSED: "O motor se recusou a executar isto.",
    Say.REASON_CANCEL_UNCONFIRMED: "O motor não respondeu ao pedido de cancelamento.",
    Say.REASON_INPUT_GONE: "A imagem enviada não está mais guardada; envie-a de novo.",
    Say.SECONDS: "{n} s",
    Say.MINUTES: "{n} min",
    Say.HOURS: "{n} h",
}

TABLES: Final[Mapping[Language, Mapping[Say, str]]] = {
    Language.ENGLISH: ENGLISH,
    Language.RUSSIAN: RUSSIAN,
    Language.PORTUGUESE: PORTUGUESE,
}

REASONS: Final[Mapping[str, Say]] = {
    "submit_unknown": Say.REASON_SUBMIT_UNKNOWN,
    "lost": Say.REASON_LOST,
    "overdue": Say.REASON_OVERDUE,
    "refused": Say.REASON_REFUSED,
    "cancel_unconfirmed": Say.REASON_CANCEL_UNCONFIRMED,
    "input_gone": Say.REASON_INPUT_GONE,
}
"""What the slugs in a record's ``statusReason`` mean; other text there is the engine's own."""

_RANGE: Final = re.compile(
    r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,64})?(?:\s*;\s*q=([01](?:\.[0-9]{0,3})?))?"
)
"""A language range and its weight."""


def language_of(tag: str | None) -> Language:
    """Return the language for an IETF tag such as ``pt-BR``; English where we do not speak it."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    return next((language for language in Language if language == primary), Language.ENGLISH)


def preferred(accept: str | None) -> Language:
    """Return the language that an ``Accept-Language`` header likes best, of those we speak.

    English where it names none of them. Of equals the first counts (RFC 9110, 12.5.4); what is
    not well formed is passed over.
    """
    best, language = 0.0, Language.ENGLISH
    for part in (accept or "").split(","):
        found = _RANGE.fullmatch(part.strip())
        spoken = found and found[1].lower() in set(Language)
        if found and spoken and float(found[2] or 1) > best:
            best, language = float(found[2] or 1), language_of(found[1])
    return language


def say(language: Language, what: Say, **fields: object) -> str:
    """Return a sentence with its fields filled in."""
    return TABLES[language][what].format(**fields)


def number(language: Language, value: float) -> str:
    """Write a number with one decimal place, or none where it is zero."""
    text = f"{value:.1f}".removesuffix(".0")
    return text if language is Language.ENGLISH else text.replace(".", ",")


def duration(language: Language, seconds: float) -> str:
    """Write a time as a person would: ``11.9 s``, ``2 min 3 s``, ``1 h 5 min``."""
    if round(seconds, 1) < 60:  # noqa: PLR2004
        return say(language, Say.SECONDS, n=number(language, max(seconds, 0.0)))
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    big, small = ((Say.HOURS, hours), (Say.MINUTES, minutes))
    if not hours:
        big, small = ((Say.MINUTES, minutes), (Say.SECONDS, rest))
    words = [say(language, unit, n=count) for unit, count in (big, small) if count]
    return " ".join(words)
