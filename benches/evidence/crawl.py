#!/usr/bin/env python3
"""Compares a scan of small pictures in one crawl with a scan of the same pictures as files.

    python3 benches/evidence/crawl.py target/release/lykta [FOLDER] [--pictures 50000] [--repeat 3] [--jobs 2]

The pictures are copies of the JPEGs in FOLDER, each made another file by a comment. Files were written just before, so
it is not the disk that is measured.
"""

import argparse
import gzip
import os
import resource
import subprocess
import tempfile
import time


def pictures(folder):
    """The JPEGs of a folder, smallest first."""
    paths = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith((".jpg", ".jpeg"))]
    return [open(path, "rb").read() for path in sorted(paths, key=os.path.getsize)]


def record(uri, body):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body)
    headers = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: %s\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        b"WARC-Record-ID: <urn:uuid:%s>\r\nContent-Type: application/http; msgtype=response\r\n"
        b"Content-Length: %d\r\n\r\n" % (uri, uri, len(head) + len(body))
    )
    return headers + head + body + b"\r\n\r\n"


def scan(lykta, index, path, jobs, out):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [lykta, "scan", "-q", "--index", index, "--jobs", jobs, "-o", out, path]
    subprocess.run(command, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, spent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lykta")
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("folder", nargs="?", default="testdata/demo/dump/camera")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--jobs", default="2")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        files = os.path.join(top, "files")
        os.mkdir(files)
        bases = pictures(args.folder)
        warc, packed = os.path.join(top, "crawl.warc"), os.path.join(top, "crawl.warc.gz")
        with open(warc, "wb") as plain, open(packed, "wb") as compressed:
            for number in range(args.pictures):
                # A comment makes each another file.
                base, comment = bases[number % len(bases)], b"%08d" % number
                body = base[:2] + b"\xff\xfe\x00\x0a" + comment + base[2:]
                folder = os.path.join(files, str(number // 1000))
                os.makedirs(folder, exist_ok=True)
                with open(os.path.join(folder, f"{number}.jpg"), "wb") as file:
                    file.write(body)
                written = record(b"http://example.org/%d.jpg" % number, body)
                plain.write(written)
                compressed.write(gzip.compress(written, 6))
        csv, index = os.path.join(top, "list.csv"), os.path.join(top, "list.lykta")
        with open(csv, "wb") as out:
            subprocess.run([args.lykta, "hash", "-q", "--csv", args.folder], stdout=out, check=True)
        subprocess.run([args.lykta, "index", "build", "-q", "-o", index, csv], stdout=subprocess.DEVNULL, check=True)
        times = {}
        for turn in range(args.repeat):
            for name, path in [("files", files), ("warc", warc), ("warc.gz", packed)]:
                out = os.path.join(top, f"report-{name}-{turn}")
                times.setdefault(name, []).append(scan(args.lykta, index, path, args.jobs, out))
        size = sum(map(len, bases)) // len(bases)
        print(f"{args.pictures} pictures of {size} bytes, {args.jobs} threads, fastest of {args.repeat}")
        base_clock, base_spent = (min(values) for values in zip(*times["files"]))
        for name, values in times.items():
            clock, spent = (min(values) for values in zip(*values))
            print(
                f"{name}: {clock:.2f} s by the clock, {spent:.2f} s of processors; "
                f"{base_clock / clock:.2f} and {base_spent / spent:.2f} of the speed as files"
            )


main()
