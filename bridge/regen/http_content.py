"""Collects an answer's content: unpacks and limits it, and keeps what arrived when the answer breaks off."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

_GZIP = b"\x1f\x8b"


class ContentError(Exception):
    """The content contradicts its headers or is too long. The text is for the log and quotes no content."""


class Content:
    """Collects one answer's content. It unpacks gzip itself: only urllib3's newest releases limit what they unpack.

    Args:
        headers: the answer's headers, with lower-case names.
        longest: the maximum size in bytes, both packed and unpacked.
        copy: called with each unpacked piece as soon as it arrives.

    Attributes:
        received: packed bytes so far.
        total: packed bytes in all according to the headers; 0 if unknown.
    """

    def __init__(self, headers: Mapping[str, str], longest: int, copy: Callable[[bytes], object] | None = None) -> None:
        self._longest = longest
        self._copy = copy
        self._packing = headers.get("content-encoding", "identity").strip().lower()
        self._unpacker = _unpacker() if self._packing == "gzip" else None
        self._content = bytearray()
        declared = headers.get("content-length", "")
        self.total = int(declared) if declared.isascii() and declared.isdecimal() and len(declared) < 16 else 0
        self.received = 0

    def __bytes__(self) -> bytes:
        """The content so far, unpacked as far as possible."""
        return bytes(self._content)

    def add(self, block: bytes) -> None:
        """Take the next block.

        Raises:
            ContentError: it cannot be unpacked, or the content is too long.
        """
        self.received += len(block)
        try:
            if self._unpacker is None:
                self._take(block)
            else:
                self._unpack(block)
        except zlib.error as error:
            if not self._content:  # it is not packed
                self._take(block)
            raise ContentError(f"gzip: {error}") from error
        if max(len(self._content), self.received) > self._longest:
            raise ContentError(f"more than {self._longest} bytes")

    def finish(self) -> None:
        """Check the content after its last block.

        Raises:
            ContentError: it has an encoding other than gzip, or is incomplete.
        """
        if self._packing not in ("identity", "gzip", ""):
            raise ContentError("a Content-Encoding that was not asked for")
        if self._unpacker is not None and self.received and not self._unpacker.eof:
            raise ContentError("truncated gzip")

    def _unpack(self, block: bytes) -> None:
        """Unpack all members of the gzip stream (RFC 1952, 2.2). Data after them is ignored."""
        while block and self._unpacker is not None and len(self._content) <= self._longest:
            if self._unpacker.eof:
                if not block.startswith(_GZIP):
                    return
                self._unpacker = _unpacker()
            self._take(self._unpacker.decompress(block, self._longest + 1 - len(self._content)))
            block = self._unpacker.unused_data

    def _take(self, piece: bytes) -> None:
        if self._copy is not None:
            self._copy(piece)  # first, to the disk: memory is lost if this process ends
        self._content += piece


def _unpacker() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
