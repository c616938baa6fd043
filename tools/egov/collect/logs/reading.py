"""A log file → plain text that an engine can read, its hashes, and what was odd about it. Nothing of it is lost."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import zstandard

from egov.city.load import cache_folder
from egov.errors import CollectionError
from egov.facts.store import file_hash

SEPARATOR = b"\x01"  # what a text that an engine reads has none of
_CHUNK = 2**20
_LONGEST = 2**16  # bytes of a line that are kept; no request that a server answers is longer
_SAMPLE_LINES, _SAMPLE_BYTES = 1000, 2**18
_SEARCHED = 2**26  # bytes of a text in which the numbers of unread lines are looked for
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class LogText:
    """The text of one log file. `lines` and `text` leave out what an earlier run had read, up to `from_byte`.

    `text_bytes` and `text_sha256` are of the uncompressed text up to its last line end: what a later, longer state of
    the same log begins with.
    """

    path: Path
    text: Path
    content_sha256: str
    text_sha256: str
    text_bytes: int
    from_byte: int
    lines: int
    encoding: str  # "utf-8", or "latin-1" for any other: every byte is a character then
    skipped_lines: int = 0  # before `from_byte`
    notes: tuple[str, ...] = ()

    def as_written(self, line: str) -> str:
        """Return a line as it was written, from how an engine holds it."""
        return decoded(line.encode("latin-1")) if self.encoding == "latin-1" else line

    def readable(self, work: Path) -> Path:
        """Return the text as UTF-8 for an engine: a copy in *work*, every byte a character of it, of any other.

        Engines' own latin-1 is not for us: DuckDB's refuses bytes from 0x80 to 0x9F, which GB 18030 is full of.
        """
        if self.encoding == "utf-8":
            return self.text
        copy = work / f"{self.content_sha256[:16]}.characters"
        if not copy.exists():
            with self.text.open("rb") as source, copy.open("wb") as out:
                while chunk := source.read(_CHUNK):
                    out.write(chunk.decode("latin-1").encode())
        return copy

    def line_numbers(self, samples: Sequence[str]) -> list[int]:
        """Return the number of the first line that begins with each sample; 0 in a text too long to be searched."""
        if not samples or self.text.stat().st_size > _SEARCHED:
            return [0] * len(samples)
        starts: dict[str, int] = {}
        with self.text.open("rb") as file:
            for number, raw in enumerate(file, self.skipped_lines + 1):
                line = decoded(raw)
                for sample in samples:
                    if sample not in starts and line.startswith(sample):
                        starts[sample] = number
        return [starts.get(sample, 0) for sample in samples]

    def sample(self) -> list[str]:
        """Return lines from the beginning and from the middle."""
        size = self.text.stat().st_size
        found: list[bytes] = []
        with self.text.open("rb") as file:
            for start in sorted({0, size // 2 if size > 2 * _SAMPLE_BYTES else 0}):
                file.seek(start)
                part = file.read(_SAMPLE_BYTES).split(b"\n")
                whole = part[1 if start else 0 :]
                found += (whole[:-1] or whole)[:_SAMPLE_LINES]
        return [decoded(line.removesuffix(b"\r")) for line in found]


def decoded(raw: bytes) -> str:
    """Return a line's text: UTF-8, else GB 18030, else with escapes for what is neither; no byte is lost."""
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return raw.decode("utf-8", "backslashreplace")


def known_hash(path: Path) -> str | None:
    """Return the SHA-256 of a file that was read before and is still the same by place, size, time and first bytes."""
    try:
        return _note(path).read_text("ascii")
    except OSError:
        return None


def remember(path: Path, digest: str) -> None:
    """Keep a file's SHA-256 for `known_hash`; a cache that cannot be written is only slower."""
    with suppress(OSError):
        note = _note(path)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(digest, "ascii")


def _note(path: Path) -> Path:
    stat = path.stat()
    with path.open("rb") as file:
        head = file.read(_SAMPLE_BYTES)
    place = json.dumps([str(path.resolve()), stat.st_ino, stat.st_size, stat.st_mtime_ns]).encode()
    return cache_folder() / "logs" / hashlib.sha256(place + head).hexdigest()


def read(path: Path, work: Path, prefixes: Mapping[int, str]) -> LogText:
    """Read a log once: plain, gzip or zstd, told by its first bytes. Copies, where one is needed, go into *work*.

    *prefixes* are the lengths and SHA-256 of texts read before: what the file has of them at its beginning is left out.
    CollectionError if the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_ZSTD))
        compressed = magic.startswith(_GZIP) or magic == _ZSTD
        found = _Survey()
        target = work / f"{hashlib.sha256(bytes(path.absolute())).hexdigest()[:16]}.log"
        if compressed:
            with target.open("wb") as out:
                found.take(_unpacked(path, magic, found.notes), prefixes, out)
        else:
            found.take(_chunks(path), prefixes, None)
        content = file_hash(path) if compressed else found.digest.hexdigest()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise CollectionError(message) from None
    text = target if compressed else path
    if found.start or not found.plain:
        text = _cleaned(text, found.start, target.with_suffix(".clean"))
        target.unlink(missing_ok=True)
    return LogText(
        path=path, text=text, content_sha256=content, text_sha256=found.whole.hexdigest(),
        text_bytes=found.whole_bytes, from_byte=found.start, lines=found.lines + (not found.ended),
        encoding="utf-8" if found.utf8 else "latin-1", skipped_lines=found.skipped, notes=tuple(found.notes),
    )  # fmt: skip


def text_before(log: LogText, word: bytes) -> bytes:
    """Return the rest of the last line that begins with *word* before what is read of the log, if there is one."""
    found, rest, left = b"", b"", log.from_byte
    with log.path.open("rb") as file:
        magic = file.read(len(_ZSTD))
    packed = magic.startswith(_GZIP) or magic == _ZSTD
    for chunk in _unpacked(log.path, magic, []) if packed and left else _chunks(log.path) if left else ():
        lines = (rest + chunk[:left]).split(b"\n")
        left -= min(left, len(chunk))
        rest = lines.pop()
        found = next((line.removeprefix(word) for line in reversed(lines) if line.startswith(word)), found)
        if not left:
            break
    return found


@dataclass(slots=True)
class _Survey:
    """What one pass over a text finds."""

    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    whole: hashlib._Hash = field(default_factory=hashlib.sha256)  # up to the last line end
    whole_bytes: int = 0
    size: int = 0
    start: int = 0  # what stands before was read earlier
    skipped: int = 0  # lines before it
    lines: int = 0
    ended: bool = True  # the last line has its end
    utf8: bool = True
    plain: bool = True  # no line end but LF and CR LF, no endless line, no separator
    notes: list[str] = field(default_factory=list)
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    _return: bool = False

    def take(self, chunks: Iterable[bytes], prefixes: Mapping[int, str], copy: BinaryIO | None) -> None:
        """Go over the text once; start counting anew after the longest known beginning."""
        cuts = sorted(prefixes)
        for chunk in chunks:
            if copy:
                copy.write(chunk)
            begin = 0
            while cuts and cuts[0] <= self.size + len(chunk) - begin:
                length = cuts.pop(0)
                part = chunk[begin : begin + length - self.size]
                self._part(part)
                begin += len(part)
                if self.digest.hexdigest() == prefixes[length]:
                    self.start, self.skipped, self.lines = self.size, self.skipped + self.lines, 0
                    self.utf8 = self.plain = True
            self._part(chunk[begin:] if begin else chunk)
        if self.utf8 and not self._valid(b"", final=True):
            self.utf8 = False

    def _part(self, part: bytes) -> None:
        if not part:
            return
        end = part.rfind(b"\n") + 1
        view = memoryview(part)
        self.digest.update(view[:end])
        if end:
            self.whole, self.whole_bytes = self.digest.copy(), self.size + end
        self.digest.update(view[end:])
        self.size += len(part)
        self.lines += part.count(b"\n")
        self.ended = end == len(part)
        if not end and len(part) == _CHUNK:
            self.plain = False
        if self._return or b"\r" in part:
            alone = part.count(b"\r") - part.count(b"\r\n") - part.endswith(b"\r")
            self.plain &= alone == 0 and not (self._return and not part.startswith(b"\n"))
            self._return = part.endswith(b"\r")
        self.plain &= SEPARATOR not in part
        if self.utf8 and (self._decoder.getstate()[0] or not part.isascii()):
            self.utf8 = self._valid(part)

    def _valid(self, part: bytes, *, final: bool = False) -> bool:
        try:
            self._decoder.decode(part, final)
        except UnicodeDecodeError:
            return False
        return True


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _unpacked(path: Path, magic: bytes, notes: list[str]) -> Iterator[bytes]:
    """Yield the text of a compressed file, as much of it as there is; a note says if it breaks off."""
    size = 0
    with path.open("rb") as raw:
        if magic.startswith(_GZIP):  # read1: what stands before a damage is not lost
            part = partial(gzip.GzipFile(fileobj=raw).read1, _CHUNK)
        else:
            part = partial(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read, _CHUNK)
        try:
            while chunk := part():
                size += len(chunk)
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            notes.append(f"the compressed file breaks off or is damaged after {size} bytes of text: {error}")


def _cleaned(text: Path, start: int, target: Path) -> Path:
    """Write the text from *start* on so that every line is one to any reader: CR and separator as nginx writes them."""
    with text.open("rb") as source, target.open("wb") as out:
        source.seek(start)
        while line := source.readline(_LONGEST):
            if not line.endswith(b"\n"):
                while rest := source.readline(_LONGEST):
                    if rest.endswith(b"\n"):
                        break
            body = line.removesuffix(b"\n").removesuffix(b"\r")
            out.write(body.replace(b"\r", b"\\x0d").replace(SEPARATOR, b"\\x01") + b"\n")
    return target
