"""How bodies are packed: HTTP's content codings, and ClickHouse's own frames (`compress=1`)."""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli
import lz4.block
import lz4.frame
from backports.zstd import ZstdCompressor, ZstdDecompressor, ZstdError
from clickhouse_cityhash.cityhash import CityHash128

from infra.clickhouse.http_errors import ServerError

_CHUNK_BYTES = 1 << 20
_ZSTD_LEVEL, _BROTLI_QUALITY, _ZLIB_LEVEL = 1, 4, 3
# Of ClickHouse's frames: a checksum, then a head of method, packed size with this head, plain size.
_CHECKSUM_BYTES = 16
_HEAD = struct.Struct("<BII")
_HALF = (1 << 64) - 1
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_CANNOT_DECOMPRESS = (271, "CANNOT_DECOMPRESS")


class Compressor(Protocol):
    """Packs a body piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Take a piece; give what is ready of the packed body."""
        ...

    def flush(self) -> bytes:
        """Give the rest."""
        ...


class _Lz4Frames:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        head = b"" if self._begun else bytes(self._frame.begin())
        self._begun = True
        return head + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return self.compress(b"") + bytes(self._frame.flush())


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Compressor(quality=_BROTLI_QUALITY)

    def compress(self, data: bytes) -> bytes:
        return bytes(self._stream.process(data))

    def flush(self) -> bytes:
        return bytes(self._stream.finish())


class NativeFrames:
    """ClickHouse's own framing, LZ4 inside."""

    def compress(self, data: bytes) -> bytes:
        """Frame a piece."""
        return b"".join(map(_framed, _pieces(data)))

    def flush(self) -> bytes:
        """Every frame is complete in itself."""
        return b""


class _Plain:
    def compress(self, data: bytes) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


# In the order in which they are preferred where a client takes several.
_COMPRESSORS: dict[str, Callable[[], Compressor]] = {
    "zstd": lambda: ZstdCompressor(level=_ZSTD_LEVEL),
    "lz4": _Lz4Frames,
    "br": _Brotli,
    "gzip": lambda: zlib.compressobj(_ZLIB_LEVEL, wbits=31),
    "deflate": lambda: zlib.compressobj(_ZLIB_LEVEL),
}


def accepted_encoding(accepts: str) -> str:
    """Choose a content coding from an `Accept-Encoding` header; empty for none of ours."""
    wanted = set()
    for part in accepts.lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            wanted.add(name.strip())
    return next((name for name in _COMPRESSORS if name in wanted), "")


def compressor(encoding: str) -> Compressor:
    """Give a compressor of one of the accepted codings; one that changes nothing for the empty name."""
    return _COMPRESSORS[encoding]() if encoding else _Plain()


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _BrotliDecompressor:
    """Gives brotli's decoder the ways of zlib's; a brotli body is one stream."""

    unused_data = b""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._stream.is_finished())

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        plain = bytearray(self._stream.process(data, output_buffer_limit=max_length))
        while not self.eof and not self._stream.can_accept_more_data() and len(plain) < max_length:
            plain += self._stream.process(b"", output_buffer_limit=max_length - len(plain))
        return bytes(plain)


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "zstd": ZstdDecompressor,
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "br": _BrotliDecompressor,
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": zlib.decompressobj,
}


def decoded(encoding: str, body: bytes, room: int) -> bytes:
    """Undo a content coding (one frame or several), never growing beyond `room` bytes; raises ServerError."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in _DECOMPRESSORS:
        known = ", ".join(_DECOMPRESSORS)
        raise ServerError(48, "NOT_IMPLEMENTED", f"Unknown content encoding {encoding!r}: use {known}")
    parts: list[bytes] = []
    while body:
        decompressor = _DECOMPRESSORS[encoding]()
        try:
            parts.append(decompressor.decompress(body, room))
        except (RuntimeError, zlib.error, ZstdError, brotli.error) as error:
            raise ServerError(*_CANNOT_DECOMPRESS, f"the body is not {encoding}") from error
        room -= len(parts[-1])
        if room <= 0 or not decompressor.eof:
            raise ServerError(*_CANNOT_DECOMPRESS, f"the {encoding} body is cut off or too large")
        body = decompressor.unused_data or b""
    return b"".join(parts)


def unframed(body: bytes, room: int) -> bytes:
    """Undo ClickHouse's own framing, never growing beyond `room` bytes; raises ServerError."""
    view = memoryview(body)
    parts: list[bytes] = []
    while view:
        if len(view) < _CHECKSUM_BYTES + _HEAD.size:
            raise ServerError(*_CANNOT_DECOMPRESS, "a frame is cut off")
        method, packed_size, plain_size = _HEAD.unpack_from(view, _CHECKSUM_BYTES)
        end = _CHECKSUM_BYTES + packed_size
        room -= plain_size
        if packed_size < _HEAD.size or end > len(view) or room < 0:
            raise ServerError(*_CANNOT_DECOMPRESS, "a frame is cut off or too large")
        checked = bytes(view[_CHECKSUM_BYTES:end])
        if _checksum(checked) != view[:_CHECKSUM_BYTES]:
            raise ServerError(40, "CHECKSUM_DOESNT_MATCH", "Checksum doesn't match: corrupted data")
        parts.append(_unpacked(method, checked[_HEAD.size :], plain_size))
        view = view[end:]
    return b"".join(parts)


def _unpacked(method: int, packed: bytes, plain_size: int) -> bytes:
    try:
        if method == _LZ4:
            return bytes(lz4.block.decompress(packed, uncompressed_size=plain_size))
        if method == _ZSTD:
            return ZstdDecompressor().decompress(packed, plain_size)
    except (lz4.block.LZ4BlockError, ZstdError) as error:
        raise ServerError(*_CANNOT_DECOMPRESS, "a frame cannot be decompressed") from error
    if method == _NONE:
        return packed
    raise ServerError(*_CANNOT_DECOMPRESS, f"Unknown compression method 0x{method:02x}")


def _framed(piece: bytes) -> bytes:
    packed = bytes(lz4.block.compress(piece, store_size=False))
    checked = _HEAD.pack(_LZ4, _HEAD.size + len(packed), len(piece)) + packed
    return _checksum(checked) + checked


def _checksum(data: bytes) -> bytes:
    """CityHash128 in its version 1.0.2, which ClickHouse has kept: the half that is high here goes first."""
    number: int = CityHash128(data)
    return struct.pack("<QQ", number >> 64, number & _HALF)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]
