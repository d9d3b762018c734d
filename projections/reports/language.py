"""In which language a report speaks: Chinese, English, or both."""

from collections.abc import Mapping
from enum import StrEnum

from projections.indicators.indicator import Words


class Language(StrEnum):
    """Chinese, English, or both, the Chinese first."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


TAGS: Mapping[Language, str] = {Language.ZH: "zh-CN", Language.EN: "en", Language.BOTH: "zh-CN"}
"""As HTML and PDF name languages (BCP 47): of the whole document."""


def spoken(words: Words, language: Language) -> tuple[str, ...]:
    """Say it: one line, or two where both languages are wanted and differ."""
    if language is Language.BOTH:
        return (words.zh,) if words.zh == words.en else (words.zh, words.en)
    return (words.zh if language is Language.ZH else words.en,)


def in_one_line(words: Words, language: Language) -> str:
    """Say it on one line."""
    return " ".join(spoken(words, language))


def briefly(words: Words, language: Language) -> str:
    """Say it where there is room for one language: the Chinese of both."""
    return spoken(words, language)[0]
