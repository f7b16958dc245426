"""Compressing stored bytes and reading them back; what is stored where lives elsewhere."""

from __future__ import annotations

import threading

import zstandard

RAW, ZSTANDARD = 0, 1

#: Shorter bodies are stored as they are: compressing one takes four microseconds and gains 16 to 30
#: %.
COMPRESS_BYTES_MIN = 512

_local = threading.local()


def pack(content: bytes, level: int) -> tuple[int, bytes]:
    """(codec, stored bytes)."""
    if len(content) < COMPRESS_BYTES_MIN:
        return RAW, content
    compressor: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if compressor is None or _local.level != level:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=level)
        _local.level = level
    try:
        return ZSTANDARD, compressor.compress(content)
    except zstandard.ZstdError as error:
        raise _meant(error) from None


def unpack(codec: int, content: bytes) -> bytes:
    """The bytes as they were.

    Raises:
        ValueError: for a codec that this version doesn't know.
    """
    if codec == RAW:
        return content
    if codec == ZSTANDARD:
        try:
            return zstandard.ZstdDecompressor().decompress(content)
        except zstandard.ZstdError as error:
            raise _meant(error) from None
    raise ValueError(f"unknown codec {codec}")


def _meant(error: zstandard.ZstdError) -> Exception:
    """Out of memory is no damage (the words are zstd's, for `ZSTD_error_memory_allocation`)."""
    return MemoryError() if "not enough memory" in str(error) else error
