"""An answer's content while it comes: unpacked, bounded, and still there when its end never comes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

_GZIP = b"\x1f\x8b"


class ContentError(Exception):
    """The content is not what its headers say; the text, for the log, quotes nothing of it."""


class Content:
    """Collects one answer's content. Unpacks by itself: only urllib3's newest releases bound their own unpacking.

    Args:
        headers: the answer's, with lower-case names.
        longest: so many bytes are taken, packed and unpacked.
        copy: gets what was unpacked, as soon as it is there.

    Attributes:
        received: bytes that came, packed.
        total: bytes that will come according to the headers, 0 where they do not say.
    """

    def __init__(
        self, headers: Mapping[str, str], longest: int, copy: Callable[[bytes], None] = lambda piece: None
    ) -> None:
        self._longest = longest
        self._copy = copy
        self._packing = headers.get("content-encoding", "identity").strip().lower()
        self._unpacker = _unpacker() if self._packing == "gzip" else None
        self._content = bytearray()
        declared = headers.get("content-length", "")
        self.total = int(declared) if declared.isascii() and declared.isdecimal() and len(declared) < 16 else 0
        self.received = 0

    def __bytes__(self) -> bytes:
        """What has come so far, unpacked as far as that was possible."""
        return bytes(self._content)

    def add(self, block: bytes) -> None:
        """Takes what came next.

        Raises:
            ContentError: it cannot be unpacked, or it is too much.
        """
        self.received += len(block)
        try:
            if self._unpacker is None:
                self._take(block)
            else:
                self._unpack(block)
        except zlib.error as error:
            if not self._content:  # it was never packed
                self._take(block)
            raise ContentError(f"gzip: {error}") from error
        if max(len(self._content), self.received) > self._longest:
            raise ContentError(f"more than {self._longest} bytes")

    def finish(self) -> None:
        """Nothing more will come.

        Raises:
            ContentError: it was packed otherwise than it may be, or its end is missing.
        """
        if self._packing not in ("identity", "gzip", ""):
            raise ContentError("a Content-Encoding that was not asked for")
        if self._unpacker is not None and self.received and not self._unpacker.eof:
            raise ContentError("truncated gzip")

    def _unpack(self, block: bytes) -> None:
        """Of gzip's members all, one after the other (RFC 1952, 2.2); what else follows them is nothing."""
        while block and self._unpacker is not None and len(self._content) <= self._longest:
            if self._unpacker.eof:
                if not block.startswith(_GZIP):
                    return
                self._unpacker = _unpacker()
            self._take(self._unpacker.decompress(block, self._longest + 1 - len(self._content)))
            block = self._unpacker.unused_data

    def _take(self, piece: bytes) -> None:
        self._copy(piece)  # first: what is here only, is lost with this process
        self._content += piece


def _unpacker() -> zlib._Decompress:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
