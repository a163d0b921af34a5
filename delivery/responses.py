"""Reading HTTP/1.1 responses, one after another, from whatever pieces arrive. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

MAX_HEAD = 32_768
MAX_BODY = 1_048_576


class MalformedResponse(Exception):
    """What came is no HTTP/1.1 response, or one too large. The connection can't be used any more."""


@dataclass(slots=True)
class Response:
    """A complete response. With `keeps` the connection may carry another request."""

    status: int
    body: bytes
    keeps: bool


class ResponseReader:
    """Reads the response to each request of one connection."""

    __slots__ = ("_buffer", "_until_close")

    def __init__(self) -> None:
        self._buffer = b""
        self._until_close: int | None = None

    @property
    def started(self) -> bool:
        """Part of a response is here."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Response | None:
        """Take what arrived; the response, once it is complete.

        :raises MalformedResponse:
        """
        self._buffer = self._buffer + data if self._buffer else data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise MalformedResponse("The head of the response doesn't end.")
                return None
            status, keeps, length, chunked = _head(self._buffer[:end])
            if 100 <= status < 200 and status != 101:
                self._buffer = self._buffer[end + 4 :]
                continue
            break
        start = end + 4
        if chunked:
            found = _chunks(self._buffer, start)
            if found is None:
                self._bound(start)
                return None
            body, rest = found
        elif status in (204, 304):
            body, rest = b"", start
        elif length is None:
            self._until_close = status
            self._bound(start)
            return None
        else:
            rest = start + length
            if length > MAX_BODY:
                raise MalformedResponse(f"The response is too large: {length} bytes.")
            if len(self._buffer) < rest:
                return None
            body = self._buffer[start:rest]
        if len(self._buffer) > rest:
            raise MalformedResponse("More came than was asked for.")
        self._buffer = b""
        return Response(status, body, keeps)

    def end(self) -> Response | None:
        """The peer closed: the response, if that was how it ends."""
        if self._until_close is None:
            return None
        _, _, body = self._buffer.partition(b"\r\n\r\n")
        return Response(self._until_close, body, False)

    def _bound(self, start: int) -> None:
        if len(self._buffer) - start > MAX_BODY:
            raise MalformedResponse("The response is too large.")


def _head(head: bytes) -> tuple[int, bool, int | None, bool]:
    return _usual_head(head.lower()) or _any_head(head)


def _usual_head(head: bytes) -> tuple[int, bool, int | None, bool] | None:
    """What nearly every response begins with: one length, and nothing about encoding or closing."""
    field = head.find(b"\r\ncontent-length:")
    if field < 0 or b"transfer-encoding" in head or b"close" in head or not head.startswith(b"http/1.1 "):
        return None
    start = field + len(b"\r\ncontent-length:")
    end = head.find(b"\r\n", start)
    length, code = (head[start:] if end < 0 else head[start:end]).strip(), head[9:12]
    if not (length.isdigit() and code.isdigit()) or head.find(b"\r\ncontent-length:", start) >= 0:
        return None
    return int(code), True, int(length), False


def _any_head(head: bytes) -> tuple[int, bool, int | None, bool]:
    lines = head.split(b"\r\n")
    version, _, rest = lines[0].partition(b" ")
    code = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(code) != 3 or not code.isdigit():
        raise MalformedResponse(f"No HTTP/1.1 status line: {bytes(lines[0][:80])!r}.")
    keeps, length, chunked = version == b"HTTP/1.1", None, False
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon:
            raise MalformedResponse(f"No header: {bytes(line[:80])!r}.")
        name, value = name.lower(), value.strip()
        if name == b"content-length":
            if not value.isdigit() or (length is not None and length != int(value)):
                raise MalformedResponse(f"No length: {bytes(value[:80])!r}.")
            length = int(value)
        elif name == b"transfer-encoding":
            chunked = value.lower() == b"chunked"
            if not chunked:
                raise MalformedResponse(f"An unknown transfer encoding: {bytes(value[:80])!r}.")
        elif name == b"connection":
            words = [word.strip() for word in value.lower().split(b",")]
            keeps = b"close" not in words and (keeps or b"keep-alive" in words)
    return int(code), keeps, length, chunked


def _chunks(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """The body and where it ends, or None while it isn't complete."""
    parts: list[bytes] = []
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None
        size_text = buffer[start:line_end].partition(b";")[0].strip()
        try:
            size = int(size_text, 16)
        except ValueError:
            size = -1
        if size < 0 or size > MAX_BODY or not size_text.isalnum():
            raise MalformedResponse(f"No size of a chunk: {bytes(size_text[:80])!r}.")
        start = line_end + 2
        if size == 0:
            if buffer[start : start + 2] == b"\r\n":
                return b"".join(parts), start + 2
            end = buffer.find(b"\r\n\r\n", start)  # trailers
            return None if end < 0 else (b"".join(parts), end + 4)
        if len(buffer) < start + size + 2:
            return None
        if buffer[start + size : start + size + 2] != b"\r\n":
            raise MalformedResponse("A chunk doesn't end where it should.")
        parts.append(buffer[start : start + size])
        start += size + 2
