"""Takes items out of a dump again, by their locators and offsets alone and without Lykta, and compares digests.

    python3 extract.py FINDINGS.jsonl < nothing

Prints the number of items whose SHA-256 is that of the finding; exits 1 with a sentence at the first that differs.
Standard tools only: Python's zipfile, tarfile, gzip, lzma, bz2, zlib and email, and the program zstd. Of 7z Python
knows the compression and not the archive, which is read here.
"""

import bz2
import email
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib


def unescape(step):
    """The bytes of a step: a backslash is written twice, and what is not UTF-8 as \\xNN."""
    parts = re.split(r"(\\\\|\\x[0-9a-f]{2})", step)
    return b"".join(
        b"\\" if part == "\\\\" else bytes([int(part[2:], 16)]) if re.fullmatch(r"\\x[0-9a-f]{2}", part)
        else part.encode("utf-8", "surrogatepass")
        for part in parts
    )


def from_zip(data, name, offset):
    if offset is None:
        # On the way to an item: found by its name.
        matching = [info for info in zipfile.ZipFile(io.BytesIO(data)).infolist() if zip_name(info) == name]
        assert len(matching) == 1, f"{name} is there {len(matching)} times"
        return zipfile.ZipFile(io.BytesIO(data)).read(matching[0])
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = [info for info in archive.infolist() if info.header_offset == offset]
        assert [zip_name(info) for info in infos] == [name], f"at {offset} is {infos}, not {name}"
        return archive.read(infos[0])
    except zipfile.BadZipFile:
        # Without a directory: by the header of the member itself.
        header = struct.unpack("<4s5H3I2H", data[offset:offset + 30])
        assert header[0] == b"PK\x03\x04", f"no header at {offset}"
        start = offset + 30 + header[9] + header[10]
        assert data[offset + 30:offset + 30 + header[9]] == name
        packed = data[start:start + header[7]]
        return zlib.decompress(packed, -15) if header[3] == 8 else packed


def zip_name(info):
    # Python reads names without the bit for UTF-8 as code page 437.
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def from_tar(data, name, offset):
    # As far as it goes: of an archive that was cut the members in front are there.
    archive = tarfile.open(fileobj=io.BytesIO(data), mode="r:")
    while True:
        member = archive.next()
        assert member is not None, f"no member at {offset}"
        if member.isfile() and offset in (None, member.offset) and os.fsencode(member.name) == name:
            return archive.extractfile(member).read()


def unpack_gzip(data):
    unpacker, out = zlib.decompressobj(31), b""
    while data:
        out += unpacker.decompress(data)
        if not unpacker.eof:
            break  # cut short
        data, unpacker = unpacker.unused_data, zlib.decompressobj(31)
    return out


def unpack_zstd(data):
    return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def from_7z(data, name):
    _, _, _, next_at, next_len, _ = struct.unpack("<6sHIQQI", data[:32])
    header = SevenZ(data[32 + next_at:32 + next_at + next_len])
    while (kind := header.take()) == 0x17:
        header = SevenZ(next(header.streams(data)))
    assert kind == 1, kind
    header.expect(4)
    files = list(header.streams(data))
    names = header.names()
    return files[names.index(name.decode())]


class SevenZ:
    """A header of 7z (7zFormat.txt): of each block the one coder that is all there is here."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        first, mask, value = self.take(), 0x80, 0
        for k in range(8):
            if not first & mask:
                return value | (first & (mask - 1)) << 8 * k
            value |= self.take() << 8 * k
            mask >>= 1
        return value

    def expect(self, kind):
        found = self.take()
        assert found == kind, f"{found} instead of {kind} in a header of 7z"

    def digests(self, count):
        assert self.take() == 1
        self.at += 4 * count

    def streams(self, data):
        """The contents, one behind the other."""
        self.expect(6)
        start, count = 32 + self.number(), self.number()
        self.expect(9)
        packed = [self.number() for _ in range(count)]
        kind = self.take()
        if kind == 0x0A:
            self.digests(count)
            kind = self.take()
        assert kind == 0
        self.expect(7)
        self.expect(0x0B)
        blocks = self.number()
        assert self.take() == 0
        coders = []
        for _ in range(blocks):
            assert self.number() == 1, "several coders"
            flags = self.take()
            coder = self.data[self.at:self.at + (flags & 15)]
            self.at += flags & 15
            properties = b""
            if flags & 0x20:
                length = self.number()
                properties = self.data[self.at:self.at + length]
                self.at += length
            coders.append((coder, properties))
        self.expect(0x0C)
        sizes = [self.number() for _ in range(blocks)]
        kind = self.take()
        if kind == 0x0A:
            self.digests(blocks)
            kind = self.take()
        assert kind == 0
        kind = self.take()
        parts = [1] * blocks
        members = [[size] for size in sizes]
        if kind == 8:
            kind = self.take()
            if kind == 0x0D:
                parts = [self.number() for _ in range(blocks)]
                kind = self.take()
            if kind == 9:
                members = []
                for count, size in zip(parts, sizes):
                    some = [self.number() for _ in range(count - 1)]
                    members.append([*some, size - sum(some)])
                kind = self.take()
            if kind == 0x0A:
                assert self.take() == 1
                self.at += 4 * sum(parts)
                kind = self.take()
            assert kind == 0
            kind = self.take()
        assert kind == 0
        for (coder, properties), length, lengths in zip(coders, packed, members):
            block = self.unpack(coder, properties, data[start:start + length], sum(lengths))
            start += length
            for size in lengths:
                yield block[:size]
                block = block[size:]

    @staticmethod
    def unpack(coder, properties, packed, size):
        if coder == b"\x00":
            return packed
        if coder == b"\x21":
            bits = properties[0]
            chain = [{"id": lzma.FILTER_LZMA2, "dict_size": (2 | bits & 1) << bits // 2 + 11}]
        else:
            assert coder == b"\x03\x01\x01", coder
            mode, size_of = struct.unpack("<BI", properties)
            chain = [{
                "id": lzma.FILTER_LZMA1, "dict_size": size_of,
                "lc": mode % 9, "lp": mode // 9 % 5, "pb": mode // 45,
            }]
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain).decompress(packed, size)

    def names(self):
        self.expect(5)
        self.number()
        while kind := self.take():
            length = self.number()
            property_data = self.data[self.at:self.at + length]
            self.at += length
            if kind == 0x11:
                return property_data[1:].decode("utf-16-le").split("\0")[:-1]
        raise AssertionError("a 7z without names")


def unchunk(body):
    out = b""
    while True:
        line, body = body.split(b"\r\n", 1)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return out
        out, body = out + body[:size], body[size + 2:]


def from_crawl(data, name, offset):
    record = data[offset:]
    if record[:2] == b"\x1f\x8b":
        record = zlib.decompressobj(31).decompress(record)
    if record.startswith(b"WARC/"):
        head, rest = record.split(b"\r\n\r\n", 1)
        assert b"WARC-Target-URI: " + name in head.split(b"\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    else:
        head, rest = record.split(b"\n", 1)
        assert head.startswith(name + b" ")
        length = int(head.rsplit(b" ", 1)[1])
    head, body = rest[:length].split(b"\r\n\r\n", 1)
    if b"Transfer-Encoding: chunked" in head:
        body = unchunk(body)
    if b"Content-Encoding: gzip" in head:
        body = gzip.decompress(body)
    return body


def leaves(part):
    """The parts that hold something, a message in a message being one."""
    if part.get_content_maintype() != "multipart":
        return [part]
    return [leaf for inner in part.get_payload() for leaf in leaves(inner)]


def from_mail(data, name, offset):
    message = email.message_from_bytes(data)
    for number, part in enumerate(leaves(message), 1):
        if name == b"part %d.rfc822" % number:
            # As it is, since offsets in it count from its beginning.
            parts = data.split(b"\r\n--" + message.get_boundary().encode())
            return parts[number].split(b"\r\n\r\n", 1)[1]
        if (part.get_filename() or "").encode() == name:
            payload = part.get_payload(decode=True)
            # Where it is said to be, its headers begin.
            if offset is not None:
                headers = data[offset:].replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
                assert name in headers and headers.startswith(b"Content-Type: "), headers
            return payload
    raise AssertionError(f"no part is called {name}")


def from_mbox(data, name, offset):
    starts = [match.start() for match in re.finditer(rb"(?m)^From .*\d\d:\d\d", data)] + [len(data)]
    number = int(name.split()[1])
    assert offset in (None, starts[number - 1])
    return data[starts[number - 1]:starts[number]].split(b"\n", 1)[1]


def from_pdf(data, name, offset):
    match = re.compile(rb"\d+ \d+ obj\n<<(.*?)>>\nstream\n", re.S).match(data, offset)
    length = int(re.search(rb"/Length (\d+)", match[1])[1])
    stream = data[match.end():match.end() + length]
    return zlib.decompress(stream) if b"/FlateDecode" in match[1] else stream


def take(data, step, offset, size):
    """An item out of what it lies in. Of those on the way only the name is known."""
    name = unescape(step)
    if data[:2] == b"PK":
        return from_zip(data, name, offset)
    if data[:6] == b"7z\xbc\xaf\x27\x1c":
        return from_7z(data, name)
    if data[257:262] == b"ustar":
        return from_tar(data, name, offset)
    if data[:5] == b"WARC/" or data[:11] == b"filedesc://":
        return from_crawl(data, name, offset)
    if data[:2] == b"\x1f\x8b":
        # A crawl that is packed record by record is known by the place of the record.
        return unpack_gzip(data) if b"://" not in name else from_crawl(data, name, offset)
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.decompress(data)
    if data[:3] == b"BZh":
        return bz2.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return unpack_zstd(data)
    if data[:5] == b"From ":
        return from_mbox(data, name, offset)
    if data[:5] == b"%PDF-":
        return from_pdf(data, name, offset)
    if data[:2] == b"\xff\xd8" or data[:4] == b"II*\0":
        return data[offset:offset + size]
    return from_mail(data, name, offset)


def main():
    count = 0
    for line in open(sys.argv[1], encoding="utf-8"):
        finding = json.loads(line)
        path, *steps = finding["locator"]
        with open(unescape(path), "rb") as file:
            data = file.read()
        try:
            for k, step in enumerate(steps, 1):
                is_last = k == len(steps)
                offset = finding.get("offset") if is_last else None
                data = take(data, step, offset, finding["size"])
        except Exception as error:
            sys.exit(f"{finding['locator']} at {finding.get('offset')}: {error!r}")
        if hashlib.sha256(data).hexdigest() != finding["digests"]["sha256"]:
            sys.exit(f"{finding['locator']} at {finding.get('offset')}: {len(data)} other bytes")
        count += 1
    print(count)


main()
