"""Time exact lookups: sleuthkit's hfind, `lykta query`, and lykta inside one process.

usage: exact.py LYKTA INDEX_SPEED [ENTRIES] [QUERIES]

LYKTA is the program, INDEX_SPEED the example of benches/. Makes a list of ENTRIES MD5 (2,000,000) and asks
for QUERIES (2,000,000), by turns one of the list and one that is not; then the same with SHA-1, which hfind
reads in the form of NSRL's list. One thread each. The times of hfind and of `lykta query` have reading the
questions and printing the answers in them, those of INDEX_SPEED have not.

Needs: sleuthkit (apt-get install sleuthkit), Python's standard library
"""

import hashlib
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

BATCH = 256
NSRL_HEAD = '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"\n'


def digest(kind, number):
    return hashlib.new(kind, number.to_bytes(8, "little")).hexdigest()


def seconds(arguments, **more):
    start = time.perf_counter()
    code = subprocess.run([str(argument) for argument in arguments], check=False, **more).returncode
    if code not in (0, 1):
        raise SystemExit(f"exit code {code}: {' '.join(map(str, arguments))}")
    return time.perf_counter() - start


def row(kind, what, built, rate):
    print(f"| {kind} | {what} | {built:.1f} | {rate:,.0f} |", flush=True)


def hfind(kind, known, asked, folder):
    """Seconds to sort its index and seconds to look everything up."""
    database = folder / f"{kind}.hashes"
    if kind == "md5":
        form = "md5sum"
        database.write_text("".join(f"{hash}  f{at}\n" for at, hash in enumerate(known)), encoding="ascii")
    else:
        form = "nsrl-sha1"
        lines = (f'"{hash.upper()}","{hash[:32].upper()}","00000000","f{at}",1,1,"WIN",""\n' for at, hash in enumerate(known))
        database.write_text(NSRL_HEAD + "".join(lines), encoding="ascii")
    built = seconds(["hfind", "-i", form, database], stdout=subprocess.DEVNULL)
    answers = folder / "answers"
    with open(answers, "wb") as out:
        took = seconds(["hfind", "-f", asked, database], stdout=out)
    with open(answers, encoding="utf-8", errors="replace") as lines:
        found = sum("Hash Not Found" not in line for line in lines)
    return built, took, found


def measure(kind, program, speed, entries, queries, folder):
    known = [digest(kind, at) for at in range(entries)]
    order = random.Random(1)
    questions = [digest(kind, order.randrange(entries) if at % 2 else entries + at) for at in range(queries)]
    asked, typed, listed = folder / "asked", folder / "typed", folder / "list.csv"
    asked.write_text("".join(f"{hash}\n" for hash in questions), encoding="ascii")
    typed.write_text("".join(f"{kind}:{hash}\n" for hash in questions), encoding="ascii")
    listed.write_text(f"{kind}\n" + "".join(f"{hash}\n" for hash in known), encoding="ascii")

    built, took, found = hfind(kind, known, asked, folder)
    if found != queries // 2:
        raise SystemExit(f"hfind found {found} of {queries // 2}")
    row(kind, "hfind -f", built, queries / took)

    index = folder / "list.lykta"
    built = seconds([program, "index", "build", "-q", "-o", index, listed], stdout=subprocess.DEVNULL)
    with open(typed, "rb") as stdin:
        command = [program, "query", "-q", "--jobs", "1", index]
        took = seconds(command, stdin=stdin, stdout=subprocess.DEVNULL)
    row(kind, "lykta query --jobs 1", built, queries / took)
    output = subprocess.run([speed, index, typed, str(BATCH)], check=True, capture_output=True, text=True).stdout
    for batch, nanoseconds, found in re.findall(r"batch (\d+) round 2: (\d+) ns.* (\d+) found", output):
        if int(found) != queries // 2:
            raise SystemExit(f"{speed} found {found} of {queries // 2}")
        row(kind, f"Index, {batch} at a time", built, 1e9 / int(nanoseconds))


def main():
    if not 3 <= len(sys.argv) <= 5:
        raise SystemExit(__doc__)
    entries, queries = (int(sys.argv[at]) if len(sys.argv) > at else 2_000_000 for at in (3, 4))
    print("| kind | lookups by | index built, s | lookups a second |\n| --- | --- | --- | --- |")
    for kind in ("md5", "sha1"):
        with tempfile.TemporaryDirectory() as folder:
            measure(kind, sys.argv[1], sys.argv[2], entries, queries, pathlib.Path(folder))


if __name__ == "__main__":
    main()
