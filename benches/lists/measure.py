#!/usr/bin/env python3
"""How fast lists of made-up hashes become an index, and with how much memory, as a table of Markdown.

Speeds are of lists in files that were read just before; memory is the most anonymous memory that `index build` had at
once while a list came through a pipe.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
from generate import Block

GENERATE = Path(__file__).with_name("generate.py")
CODES = "match=1,2 note=3,uncategorised ignore=0"
# How each list is given.
GIVEN = {"vics": ["--codes", CODES], "nsrl": ["--ignore"]}
NAMES = {"vics": "VICS", "nsrl": "NSRL"}
UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}


def number(text):
    return int(float(text[:-1]) * UNITS[text[-1]]) if text[-1] in UNITS else int(text)


def generating(of, rows, out):
    return subprocess.Popen([sys.executable, GENERATE, of, str(rows)], stdout=out)


def write(of, rows, path):
    with open(path, "wb") as file:
        process = generating(of, rows, file)
        if process.wait() != 0:
            sys.exit(f"generate.py ended with {process.returncode}")


def seconds(command):
    """By the clock, and of processors: these hardly depend on what else the machine does."""
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begin, processors


def speeds(args, of, rows, folder):
    """Lines of the table on a list in a file."""
    path, index = folder / of, folder / "index"
    write(of, rows, path)
    size = path.stat().st_size
    build = [args.binary, "index", "build", "-q", "-o", index, *GIVEN[of], path]
    inspect = [args.binary, "list", "inspect", "--all", path]
    cores = len(os.sched_getaffinity(0))
    one = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    what = f"{NAMES[of]}, {rows:,} rows, {size / 1e6:,.0f} MB"
    for name, command in [
        ("`index build`, 1 core", one + build),
        (f"`index build`, {cores} cores", build),
        ("`list inspect --all`, 1 core", one + inspect),
    ]:
        # Warm, so that it is not the disk that is measured.
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
        times = [seconds(command) for _ in range(args.repeat)]
        for kind, time_taken in zip(["by the clock", "of processors"], map(min, zip(*times))):
            rates = f"{size / time_taken / 1e6:,.0f} MB/s, {rows / time_taken / 1e6:.2f} M rows/s"
            yield what, name, f"{time_taken:.2f} s {kind}: {rates}"
    path.unlink()
    index.unlink()


def memory(args, of, size, folder):
    """The line of the table on a list through a pipe."""
    rows = round(size / Block(of).bytes_a_row)
    index = folder / "index"
    build = [args.binary, "index", "build", "-q", "--memory", args.memory, "-o", index, *GIVEN[of], "-"]
    begin = time.perf_counter()
    source = generating(of, rows, subprocess.PIPE)
    process = subprocess.Popen(build, stdin=source.stdout, stdout=subprocess.DEVNULL)
    source.stdout.close()
    most, looks = 0, 0
    while process.poll() is None:
        most = max(most, anonymous(process.pid))
        looks += 1
        time.sleep(0.01)
    if process.returncode != 0 or source.wait() != 0:
        sys.exit(f"{build}: ended with {process.returncode}")
    time_taken = time.perf_counter() - begin
    yield (
        f"{NAMES[of]}, {rows:,} rows, {size / 1e9:.1f} GB through a pipe",
        f"`index build --memory {args.memory}`",
        f"{most / 2**20:.0f} MiB at most (of {looks:,} looks), {time_taken:.0f} s",
    )
    index.unlink()


def anonymous(process):
    """Bytes of anonymous memory that a process has; 0 when it has gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:")), 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path, help="lykta, as it is released")
    parser.add_argument("--media", type=number, default="5M", help="media of the VICS list; 0 leaves it out")
    parser.add_argument("--rows", type=number, default="10M", help="rows of the NSRL list; 0 leaves it out")
    parser.add_argument("--pipe", type=number, default="10G", help="bytes through a pipe, of each; 0 leaves it out")
    parser.add_argument("--memory", default="256M", help="what `index build` is allowed with the pipe")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, of which the fastest counts")
    parser.add_argument("--work", help="where lists and indexes are written and deleted")
    args = parser.parse_args()
    args.binary = args.binary.resolve()
    print("| list | command | |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        for of, rows in [("vics", args.media), ("nsrl", args.rows)]:
            for line in speeds(args, of, rows, Path(folder)) if rows else []:
                print("|", " | ".join(line), "|", flush=True)
        for of in ["vics", "nsrl"]:
            for line in memory(args, of, args.pipe, Path(folder)) if args.pipe else []:
                print("|", " | ".join(line), "|", flush=True)


if __name__ == "__main__":
    main()
