"""Why a picture was not taken, in the person's language, with its bounds."""

from collections.abc import Mapping
from typing import Final

from processors.errors import ImageFault, ImageRefusedError
from processors.notifications.texts import Language

ENGLISH: Final[Mapping[ImageFault, str]] = {
    ImageFault.EMPTY: "The file is empty.",
    ImageFault.TOO_LARGE: "The picture is too large; the limit is {megabytes} MB.",
    ImageFault.TOO_MANY_PIXELS: "The picture is too large; the limit is {megapixels} megapixels"
    " and {maxSide} pixels for the longer side.",
    ImageFault.FORMAT: "Only PNG, JPEG, WebP and GIF pictures can be used.",
    ImageFault.MOVING: "Videos and animated stickers cannot be used; send a picture.",
    ImageFault.DAMAGED: "The picture is damaged or not complete.",
}

RUSSIAN: Final[Mapping[ImageFault, str]] = {
    ImageFault.EMPTY: "Файл пустой.",
    ImageFault.TOO_LARGE: "Картинка слишком большая, предел: {megabytes} МБ.",
    ImageFault.TOO_MANY_PIXELS: "Картинка слишком большая, предел: {megapixels} мегапикселей"
    " и {maxSide} пикселей по длинной стороне.",
    ImageFault.FORMAT: "Подходят только картинки PNG, JPEG, WebP и GIF.",
    ImageFault.MOVING: "Видео и анимированные стикеры не подходят, пришлите картинку.",
    ImageFault.DAMAGED: "Картинка повреждена или передана не полностью.",
}

PORTUGUESE: Final[Mapping[ImageFault, str]] = {
    ImageFault.EMPTY: "O arquivo está vazio.",
    ImageFault.TOO_LARGE: "A imagem é grande demais; o limite é {megabytes} MB.",
    ImageFault.TOO_MANY_PIXELS: "A imagem é grande demais; o limite é {megapixels} megapixels"
    " e {maxSide} pixels no lado maior.",
    ImageFault.FORMAT: "Só podem ser usadas imagens PNG, JPEG, WebP e GIF.",
    ImageFault.MOVING: "Vídeos e figurinhas animadas não podem ser usados; envie uma imagem.",
    ImageFault.DAMAGED: "A imagem está danificada ou incompleta.",
}

TABLES: Final[Mapping[Language, Mapping[ImageFault, str]]] = {
    Language.ENGLISH: ENGLISH,
    Language.RUSSIAN: RUSSIAN,
    Language.PORTUGUESE: PORTUGUESE,
}


def refused(language: Language, error: ImageRefusedError) -> str:
    """Say in one sentence why a picture was not taken, its bounds in it."""
    bounds = error.bounds
    return TABLES[language][error.fault].format(
        megabytes=bounds.get("maxBytes", 0) // 2**20,
        megapixels=bounds.get("maxPixels", 0) // 10**6,
        maxSide=bounds.get("maxSide", 0),
    )
