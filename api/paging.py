"""What every list has in common: its parameters, its limits to what the asker may see, its next page."""

from typing import Annotated
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from domain.errors import Forbidden
from projections.page import MAX_LIMIT

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PageParameters(BaseModel):
    """Which page of a list. Unknown parameters are errors, so that a slip of the pen is not ignored."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=MAX_LIMIT, description="How many on a page")
    cursor: str | None = Field(
        default=None, max_length=1000, description="Where the page begins; from `next`"
    )


def own_holder(wanted: str | None, own: str | None) -> str | None:
    """Give the holder to filter by; raises Forbidden for another than the only one that may be seen."""
    if own is not None and wanted is not None and wanted != own:
        raise Forbidden(f"a department sees what {own} holds", rule="outside-unit", field="holder")
    return own or wanted


def following(request: Request, cursor: str | None) -> str | None:
    """Give the address of the next page: this request's, with another cursor."""
    if cursor is None:
        return None
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*others, ('cursor', cursor)])}"
