#!/usr/bin/env python3
"""How near search grows with the list: builds indexes of random hashes and asks them.

usage: growth.py --lykta BINARY --speed BINARY --out STEM SIZE...
       growth.py --out STEM --plot

SIZE is a number of hashes, such as 1M 10M 100M. Each size has a row in STEM.csv, which replaces an earlier
one of the same size, and STEM.md (a table) and STEM.svg (a plot) are drawn from all rows. --plot only draws.

BINARY are `lykta` and the example `index_speed`:
    cargo build --release -p lykta-cli -p lykta-benches --example index_speed --bin lykta

At 100 M hashes about 25 GB of disk are in use for a while, in the folder --work; everything there is deleted
again unless --keep. The times are those of the clock: nothing else should be running.

Needs: pip install numpy
"""

import argparse
import csv
import math
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

import numpy as np

COLUMNS = [
    "hashes",
    "build_s",
    "build_anon_mib",
    "bytes_a_hash",
    "open_ms",
    "first_query_ms",
    "queries",
    "qps_1",
    "qps_2",
    "near_ns",
    "batch_ns",
    "flat8_ns",
]
HEADINGS = {
    "hashes": "hashes",
    "build_s": "build, s",
    "build_anon_mib": "anonymous memory of the build, MiB",
    "bytes_a_hash": "bytes a hash",
    "open_ms": "open, ms",
    "first_query_ms": "first query, ms",
    "qps_1": "q/s, `query --jobs 1`",
    "qps_2": "q/s, `query --jobs 2`",
    "near_ns": "us a query, one by one",
    "batch_ns": "us a query, batches",
    "flat8_ns": "us a query, flat, 8 at once",
}
RADIUS = 31
SEED = 1
ROWS_AT_A_TIME = 1 << 20
HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype=np.uint16)
HEAD = b"pdq\n"
ROW = 65


def hex_rows(hashes):
    """The hashes as lines of 64 digits, as bytes in one array."""
    rows = np.empty((len(hashes), ROW), dtype=np.uint8)
    rows[:, :64] = HEX[hashes].view(np.uint8).reshape(len(hashes), 64)
    rows[:, 64] = ord("\n")
    return rows


def write_list(path, count):
    numbers = np.random.default_rng(SEED)
    with open(path, "wb") as file:
        file.write(HEAD)
        for start in range(0, count, ROWS_AT_A_TIME):
            rows = min(ROWS_AT_A_TIME, count - start)
            hex_rows(np.frombuffer(numbers.bytes(32 * rows), dtype=np.uint8).reshape(rows, 32)).tofile(file)


def write_queries(path, list_path, count, asked, most):
    """By turns a random hash and an entry of which up to `most` bits were turned."""
    numbers = np.random.default_rng(SEED + 1)
    with open(path, "w", encoding="ascii") as file, open(list_path, "rb") as known:
        for at in range(asked):
            if at % 2 == 0:
                query = numbers.bytes(32)
            else:
                known.seek(len(HEAD) + int(numbers.integers(count)) * ROW)
                value = int(known.read(64), 16)
                for bit in numbers.integers(256, size=int(numbers.integers(most + 1))):
                    value ^= 1 << int(bit)
                query = value.to_bytes(32, "big")
            file.write(f"pdq:{query.hex()}\n")


def run(arguments, **more):
    """Runs a command to its end and gives its seconds; exit codes up to 1 are those of an answer."""
    start = time.perf_counter()
    code = subprocess.run([str(argument) for argument in arguments], check=False, **more).returncode
    if code not in (0, 1):
        raise SystemExit(f"exit code {code}: {' '.join(map(str, arguments))}")
    return time.perf_counter() - start


def build(arguments):
    """Seconds of a build and the most anonymous memory it had, in MiB."""
    most = 0
    start = time.perf_counter()
    with subprocess.Popen([str(argument) for argument in arguments], stdout=subprocess.DEVNULL) as process:
        done = threading.Event()

        def watch():
            nonlocal most
            while not done.wait(0.02):
                try:
                    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                except OSError:
                    return
                found = re.search(r"RssAnon:\s+(\d+) kB", status)
                most = max(most, int(found[1]) if found else 0)

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
    if code != 0:
        raise SystemExit(f"exit code {code}: {' '.join(map(str, arguments))}")
    return seconds, most / 1024


def query(lykta, index, queries, jobs):
    with open(queries, "rb") as stdin:
        return run(
            [lykta, "query", "-q", "--jobs", jobs, "--radius", RADIUS, index], stdin=stdin, stdout=subprocess.DEVNULL
        )


def speed(program, index, queries, batch, first):
    """Nanoseconds a query, one by one and in batches, when the index has been mapped."""
    command = [program, index, queries, batch, RADIUS, first]
    output = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout
    print(output, end="", flush=True)
    rounds = re.findall(r"batch \d+ round 2: (\d+) ns", output)
    return tuple(int(each) for each in rounds)


def best(times, measure):
    return min(measure() for _ in range(times))


def measure_size(args, count, work):
    list_path, index, queries = work / "list.csv", work / "list.lykta", work / "queries.txt"
    print(f"{count} hashes: writing the list", flush=True)
    write_list(list_path, count)
    write_queries(queries, list_path, count, args.queries, args.bits)
    row = {"hashes": count, "queries": args.queries}
    command = [args.lykta, "index", "build", "-q", "--memory", args.memory, "--near-radius", f"pdq={RADIUS}"]

    print("building", flush=True)
    row["build_s"], row["build_anon_mib"] = build([*command, "-o", index, list_path])
    row["bytes_a_hash"] = index.stat().st_size / count
    # Into the page cache, so far as it is not there from the build.
    with open(index, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass
    quiet = {"stdout": subprocess.DEVNULL}
    row["open_ms"] = 1e3 * best(5, lambda: run([args.lykta, "index", "info", index], **quiet))
    with open(queries, encoding="ascii") as file:
        one = [file.readline().strip() for _ in range(2)][1]
    row["first_query_ms"] = 1e3 * best(5, lambda: run([args.lykta, "query", "-q", index, one], **quiet))
    print("asking", flush=True)
    for jobs in (1, 2):
        row[f"qps_{jobs}"] = args.queries / best(2, lambda jobs=jobs: query(args.lykta, index, queries, jobs))
    row["near_ns"], row["batch_ns"] = speed(args.speed, index, queries, 256, args.queries)[:2]
    if not args.keep:
        index.unlink()

    print("flat scan", flush=True)
    flat = work / "flat.lykta"
    build([*command, "--near", "flat", "-o", flat, list_path])
    if not args.keep:
        list_path.unlink()
    row["flat8_ns"] = speed(args.speed, flat, queries, 8, args.flat_queries)[-1]
    if not args.keep:
        flat.unlink()
    return row


def read_rows(path):
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def write_rows(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{row[name]:.6g}" if row[name] % 1 else int(row[name]) for name in COLUMNS})


def short(count):
    for unit, name in ((10**6, " M"), (10**3, " k")):
        if count >= unit:
            return f"{count / unit:g}{name}"
    return f"{count:g}"


def cell(name, row):
    value = row[name]
    if name == "hashes":
        return short(value)
    if name.endswith("_ns"):
        value /= 1e3
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_table(path, rows):
    lines = [" | ".join(HEADINGS.values()), " | ".join("---" for _ in HEADINGS)]
    lines += [" | ".join(cell(name, row) for name in HEADINGS) for row in rows]
    path.write_text("".join(f"| {line} |\n" for line in lines), encoding="utf-8")


def write_plot(path, rows):
    """Queries a second over hashes, both in powers of ten."""
    first = rows[0]
    lines = {
        "multi-index hashing, 2 threads": ("#1b6ca8", "", [row["qps_2"] for row in rows]),
        "multi-index hashing, 1 thread": ("#0b3954", "", [row["qps_1"] for row in rows]),
        "were the cost linear": ("#888", "6 4", [first["qps_1"] * first["hashes"] / row["hashes"] for row in rows]),
        "flat scan, 8 queries at once": ("#c8553d", "", [1e9 / row["flat8_ns"] for row in rows]),
    }
    values = [value for _, _, ys in lines.values() for value in ys]
    low_x, high_x = math.log10(first["hashes"]), math.log10(rows[-1]["hashes"])
    low_y, high_y = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    left, top, width, height = 80, 30, 440, 320

    def x(count):
        return left + width * (math.log10(count) - low_x) / (high_x - low_x or 1)

    def y(rate):
        return top + height * (high_y - math.log10(rate)) / (high_y - low_y)

    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 230} {top + height + 60}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]

    def text(at_x, at_y, words, anchor="start", colour="#222"):
        svg.append(f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>')

    for power in range(low_y, high_y + 1):
        at = y(10.0**power)
        svg.append(f'<path d="M{left} {at:.1f}h{width}" stroke="#ddd"/>')
        text(left - 8, at + 4, f"{10.0**power:,.0f}" if power >= 0 else f"{10.0**power:g}", "end")
    for row in rows:
        at = x(row["hashes"])
        svg.append(f'<path d="M{at:.1f} {top}v{height}" stroke="#ddd"/>')
        text(at, top + height + 20, short(row["hashes"]), "middle")
    text(left + width / 2, top + height + 44, f"hashes in the list (PDQ, radius {RADIUS})", "middle")
    text(8, top - 12, "queries a second")
    names = []
    for name, (colour, dashes, ys) in lines.items():
        points = [(x(row["hashes"]), y(value)) for row, value in zip(rows, ys)]
        joined = " ".join(f"{at_x:.1f},{at_y:.1f}" for at_x, at_y in points)
        svg.append(
            f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        if not dashes:
            svg += [f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="3.5" fill="{colour}"/>' for at_x, at_y in points]
        names.append((points[-1][1], name, colour))
    below = top - 20
    for at, name, colour in sorted(names):
        below = max(at + 4, below + 16)
        text(left + width + 10, below, name, colour=colour)
    path.write_text("\n".join([*svg, "</svg>\n"]), encoding="utf-8")


def number(text):
    units = {"k": 10**3, "M": 10**6}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=number, metavar="SIZE")
    parser.add_argument("--lykta", type=pathlib.Path)
    parser.add_argument("--speed", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--plot", action="store_true")
    parser.add_argument("--queries", type=number, default=20_000, help="queries asked of the index (20k)")
    parser.add_argument("--flat-queries", type=number, default=64, help="of them, asked of the flat scan (64)")
    parser.add_argument("--bits", type=int, default=44, help="bits turned at most in every second query (44)")
    parser.add_argument("--memory", default="1G", help="for the build (1G)")
    parser.add_argument("--work", default=None, help="folder for lists and indexes (a temporary one)")
    parser.add_argument("--keep", action="store_true", help="leave lists and indexes in the folder")
    args = parser.parse_args()
    if not args.plot and (not args.sizes or args.lykta is None or args.speed is None):
        parser.error("give --lykta, --speed and sizes, or --plot")
    table = args.out.with_suffix(".csv")
    for count in [] if args.plot else args.sizes:
        work = pathlib.Path(tempfile.mkdtemp(prefix="growth-", dir=args.work))
        try:
            row = measure_size(args, count, work)
        finally:
            if not args.keep:
                shutil.rmtree(work, ignore_errors=True)
        rows = [other for other in read_rows(table) if other["hashes"] != count] + [row]
        write_rows(table, sorted(rows, key=lambda row: row["hashes"]))
    rows = read_rows(table)
    if not rows:
        raise SystemExit(f"{table} has no rows: give sizes")
    write_table(args.out.with_suffix(".md"), rows)
    write_plot(args.out.with_suffix(".svg"), rows)
    print(args.out.with_suffix(".md").read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
