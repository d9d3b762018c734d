"""The rows of an event store in a backup: every column as it is, framed."""

import struct

from infra.backup.archive import Read

_EVENT = struct.Struct(">Q16sQHI")
_COMMAND = struct.Struct(">16s16sQH")


class EventRows:
    """Position, stream id, version, topic, state."""

    def pack(self, row: tuple[object, ...]) -> bytes:
        """See `Row.pack`."""
        position, stream, version, topic, state = row
        assert isinstance(stream, bytes)  # noqa: S101 - what both readers give
        assert isinstance(topic, str)  # noqa: S101
        assert isinstance(state, bytes)  # noqa: S101
        name = topic.encode()
        return b"%b%b%b" % (_EVENT.pack(position, stream, version, len(name), len(state)), name, state)

    def unpack(self, read: Read) -> tuple[object, ...] | None:
        """See `Row.unpack`."""
        if not (head := read(_EVENT.size)):
            return None
        position, stream, version, of_topic, of_state = _EVENT.unpack(_whole(head, _EVENT.size))
        topic, state = _whole(read(of_topic), of_topic), _whole(read(of_state), of_state)
        return position, stream, version, topic.decode(), state


class CommandRows:
    """Command id, fingerprint, stream id, version."""

    def pack(self, row: tuple[object, ...]) -> bytes:
        """See `Row.pack`."""
        command, fingerprint, stream, version = row
        assert isinstance(fingerprint, bytes)  # noqa: S101 - what both readers give
        return _COMMAND.pack(command, stream, version, len(fingerprint)) + fingerprint

    def unpack(self, read: Read) -> tuple[object, ...] | None:
        """See `Row.unpack`."""
        if not (head := read(_COMMAND.size)):
            return None
        command, stream, version, length = _COMMAND.unpack(_whole(head, _COMMAND.size))
        return command, _whole(read(length), length), stream, version


def _whole(content: bytes, length: int) -> bytes:
    if len(content) != length:
        raise ValueError("it ends in the middle of a row")
    return content
