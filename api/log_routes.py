"""The transparency log over HTTP, as C2SP tlog-tiles lays it out, and proofs for those without a client.

Checkpoint, hashes and proofs say nothing about anybody and are open to all. The entries are the events of
every region, personal data sealed: they are for those who may see every ticket.
"""

import asyncio
import base64
import gzip
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api.access import check_may_read_all
from api.command_docs import OPEN_TO_ALL, problem_responses
from api.identity import Identify
from api.receipt_routes import TAG
from domain.errors import Invalid
from infra.transparency.log_reader import Head, LogReader
from infra.transparency.tiles import ENTRIES, Tile

PREFIX = "/v1/audit/log"
TEXT = "text/plain; charset=utf-8"
_FOR_EVER = "max-age=31536000, immutable"
_GZIP_LEVEL = 1

Size = Annotated[int | None, Query(ge=1, description="In the tree of so many entries; by default the newest")]


class InclusionProof(BaseModel):
    """包含证明: the entry is in the tree."""

    index: int
    size: int
    hashes: list[str] = Field(description="Base64, from the leaf's sibling upwards (RFC 6962 §2.1.1)")
    checkpoint: str = Field(
        description="The newest checkpoint; of this very size unless another was asked for"
    )


class ConsistencyProof(BaseModel):
    """一致性证明: the smaller tree is the beginning of the larger."""

    first: int
    second: int
    hashes: list[str] = Field(description="Base64 (RFC 6962 §2.1.2)")


def log_routes(log: LogReader, identify: Identify) -> APIRouter:
    """Build the routes of the log."""
    router = APIRouter(prefix=PREFIX, tags=[TAG], responses=problem_responses(422, 503))

    @router.get(
        "/checkpoint", operation_id="get_log_checkpoint", summary="检查点 The newest checkpoint",
        response_class=Response, openapi_extra=OPEN_TO_ALL,
    )  # fmt: skip
    async def get_log_checkpoint() -> Response:
        """A signed note (C2SP tlog-checkpoint), with witnesses' signatures where there are some."""
        head = await asyncio.to_thread(log.head)
        return Response(bytes(head.note), headers={"Cache-Control": "public, max-age=1"}, media_type=TEXT)

    @router.get(
        "/key", operation_id="get_log_key", summary="公钥 The log's verifier key",
        response_class=Response, openapi_extra=OPEN_TO_ALL,
    )  # fmt: skip
    async def get_log_key() -> Response:
        """To be had in another way, too: a key and what it is to check should not come from the same hand."""
        return Response(f"{await asyncio.to_thread(log.verifier_key)}\n", media_type=TEXT)

    @router.get(
        "/tile/{place:path}", operation_id="get_log_tile",
        summary="树块 A tile of hashes, or a bundle of entries", response_class=Response,
        responses=problem_responses(401, 403, 404),
    )  # fmt: skip
    async def get_log_tile(
        request: Request,
        place: Annotated[
            str, Path(description="LEVEL/NUMBER or entries/NUMBER", examples=["0/x001/234.p/56"])
        ],
        accept_encoding: Annotated[str, Header()] = "",
    ) -> Response:
        """Never changes. `entries` needs an identity that may see every ticket; hashes need none."""
        tile = Tile.parse(f"tile/{place}")
        if tile.level == ENTRIES:
            check_may_read_all(await identify(request))
        return await asyncio.to_thread(_tile, log, tile, accept_encoding)

    @router.get(
        "/proof/inclusion", operation_id="get_inclusion_proof",
        summary="包含证明 Prove that an entry is in the log", openapi_extra=OPEN_TO_ALL,
    )  # fmt: skip
    async def get_inclusion_proof(
        index: Annotated[int, Query(ge=0, description="The entry's place, counted from 0")], size: Size = None
    ) -> InclusionProof:
        """From the entry's leaf hash to the root of the checkpoint."""
        return await asyncio.to_thread(_inclusion, log, index, size)

    @router.get(
        "/proof/consistency", operation_id="get_consistency_proof",
        summary="一致性证明 Prove that nothing was rewritten", openapi_extra=OPEN_TO_ALL,
    )  # fmt: skip
    async def get_consistency_proof(
        first: Annotated[int, Query(alias="from", ge=0, description="The size of an older checkpoint")],
        second: Annotated[
            int | None, Query(alias="to", ge=0, description="By default the newest one's")
        ] = None,
    ) -> ConsistencyProof:
        """From the root of one checkpoint to that of another."""
        return await asyncio.to_thread(_consistency, log, first, second)

    return router


def _tile(log: LogReader, tile: Tile, accept_encoding: str) -> Response:
    content = log.tile(tile)
    audience = "private" if tile.level == ENTRIES else "public"
    headers = {"Cache-Control": f"{audience}, {_FOR_EVER}"}
    if tile.level == ENTRIES:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in accept_encoding:
            content = gzip.compress(content, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
    return Response(content, headers=headers, media_type="application/octet-stream")


def _inclusion(log: LogReader, index: int, size: int | None) -> InclusionProof:
    head = log.head()
    known = _known(head, size, "size")
    hashes = _in_base64(log.inclusion(index, known))
    return InclusionProof(index=index, size=known, hashes=hashes, checkpoint=bytes(head.note).decode())


def _consistency(log: LogReader, first: int, second: int | None) -> ConsistencyProof:
    known = _known(log.head(), second, "to")
    return ConsistencyProof(first=first, second=known, hashes=_in_base64(log.consistency(first, known)))


def _known(head: Head, size: int | None, field: str) -> int:
    newest = head.checkpoint.size
    if size is not None and size > newest:
        raise Invalid(f"the log has {newest} entries, not {size}", rule="no-such-tree", field=field)
    return newest if size is None else size


def _in_base64(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]
