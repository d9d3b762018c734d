"""The formats that can be imported, by name."""

from collections.abc import Mapping

from domain.errors import Invalid
from infra.importing.boston311 import Boston311
from infra.importing.nyc311 import Nyc311
from infra.importing.source import SourceFormat

FORMATS: Mapping[str, SourceFormat] = {each.origin: each for each in (Nyc311(), Boston311())}


def format_named(name: str) -> SourceFormat:
    """Look a format up; raises Invalid naming those there are."""
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise Invalid(f"there is no format {name!r}; there are: {known}", field="format") from None
