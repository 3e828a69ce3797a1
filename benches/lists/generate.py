#!/usr/bin/env python3
"""A list of made-up hashes, of any length, on standard output: generate.py {vics,nsrl,csv,ncmec} ROWS

The same each time, and faster than what reads it: rows are made once, for a block, with placeholders for digits. Each
block is this one with another permutation of the digits put in their place, which one bytes.translate() does, so that
no two blocks have a hash in common. The number of the block takes the place of six more.
"""

import os
import random
import sys

HEX, BASE64, DECIMAL = b"0123456789ABCDEF", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", b"0123456789"
# Placeholders, none of them ASCII.
HEX_AT, NUMBER_AT, BASE64_AT = 0x80, 0x90, 0xA0
NUMBER = bytes(range(NUMBER_AT, NUMBER_AT + 6))
ROWS_A_BLOCK = 20_000


class Block:
    """The rows that every block is made of."""

    def __init__(self, of):
        self.random = random.Random(1)
        self.head, self.tail, self.separator = HEADS[of]
        self.rows = [row(self.random, number) for row in [ROWS[of](self)] for number in range(ROWS_A_BLOCK)]
        self.bytes_a_row = sum(map(len, self.rows)) / len(self.rows) + len(self.separator)

    def digits(self, count):
        return bytes(HEX_AT + digit % 16 for digit in self.random.randbytes(count))

    def vics(self):
        """PhotoDNA in six of ten."""

        def row(chance, number):
            photodna = bytes(BASE64_AT + digit % 64 for digit in chance.randbytes(192))
            return b'{"MediaID":1%b%05d,"Category":%d,"MD5":"%b","SHA1":"%b",%b"MediaSize":%d,%b}' % (
                NUMBER, number, chance.choice([0, 0, 1, 2, 2, 3]), self.digits(32), self.digits(40),
                b'"PhotoDNA":"%b",' % photodna if number % 10 < 6 else b"", chance.randrange(1000, 10_000_000),
                b'"DateUpdated":"2023-06-07T02:31:49Z","IsPrecategorized":true',
            )

        return row

    def nsrl(self):
        """A hash for each file, a row for each product that has it: three of ten rows have a new hash."""
        last = []

        def row(chance, number):
            if number % 10 in (0, 3, 7):
                last[:] = [self.digits(40), self.digits(32), self.digits(8), chance.randrange(100, 1_000_000)]
            return b'"%b","%b","%b","file%05d.dll",%d,%d,"362",""' % (
                *last[:3], number, last[3], chance.randrange(1000, 20_000))

        return row

    def csv(self):
        return lambda chance, number: b"%b%05d,%b,%b,%d" % (
            NUMBER, number, self.digits(32), self.digits(40), chance.randrange(1000, 10_000_000))

    def ncmec(self):
        return lambda chance, number: (
            b'<image><member id="101">Generated</member><timestamp>2023-06-07T02:31:49Z</timestamp><id>%b%05d</id>'
            b"<classification>%b</classification><fingerprints><md5>%b</md5><sha1>%b</sha1></fingerprints></image>" % (
                NUMBER, number, chance.choice([b"A1", b"A2", b"B1", b"B2"]), self.digits(32), self.digits(40)))

    def with_digits(self, text, number):
        """`text` as it is in a block."""
        chance = random.Random(number)
        table = bytearray(range(256))
        for alphabet, at in [(HEX, HEX_AT), (BASE64, BASE64_AT)]:
            table[at : at + len(alphabet)] = bytes(chance.sample(alphabet, len(alphabet)))
        table[NUMBER_AT : NUMBER_AT + 6] = b"%06d" % number
        return text.translate(bytes(table))


HEADS = {
    "vics": (
        b'{"@odata.context":"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/Default/$metadata#Media",'
        b'"value":[\n', b"\n]}\n", b",\n"),
    "nsrl": (
        b'"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\r\n', b"\r\n", b"\r\n"),
    "csv": (b"id,md5,sha1,size\n", b"\n", b"\n"),
    "ncmec": (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">'
        b"<images>\n", b"\n</images></queryResult>\n", b"\n"),
}
ROWS = {"vics": Block.vics, "nsrl": Block.nsrl, "csv": Block.csv, "ncmec": Block.ncmec}


def generate(of, rows, out):
    """Writes a list of `rows` rows to the file descriptor `out`."""
    block = Block(of)
    whole = block.separator.join(block.rows) + block.separator
    write_all(out, block.head)
    blocks, rest = divmod(rows, ROWS_A_BLOCK)
    for number in range(blocks):
        is_last = number + 1 == blocks and rest == 0
        text = whole[: -len(block.separator)] if is_last else whole
        write_all(out, block.with_digits(text, number))
    write_all(out, block.with_digits(block.separator.join(block.rows[:rest]), blocks) + block.tail)


def write_all(out, data):
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in HEADS:
        sys.exit(__doc__)
    try:
        generate(sys.argv[1], int(sys.argv[2]), sys.stdout.fileno())
    except BrokenPipeError:
        sys.exit("nobody reads on")
