#!/usr/bin/env python3
"""The most memory that a scan takes at once, as the system counts it, and how long it runs.

    python3 benches/evidence/memory.py target/release/lykta PATH [--jobs 2] [--index INDEX] [--most-mib 600]

Reads /proc/PID/status of the scan and of its children every few milliseconds: RssAnon is what it holds, VmHWM the most
that was ever resident, mapped files included. Without --index one is built of a single PDQ, so that every picture is
decoded. Exits 1 when RssAnon was ever above --most-mib, or when the exit code is none of a scan.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time


def status(pid):
    """RssAnon and VmHWM in KiB; nothing of a process that is gone."""
    try:
        lines = open(f"/proc/{pid}/status").read().splitlines()
    except OSError:
        return {}
    values = (line.split() for line in lines if line.startswith(("RssAnon", "VmHWM")))
    return {value[0].rstrip(":"): int(value[1]) for value in values}


def children(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        own = [child for task in tasks for child in open(f"/proc/{pid}/task/{task}/children").read().split()]
    except OSError:
        return []
    return own + [below for child in own for below in children(child)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lykta")
    parser.add_argument("path")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--index")
    parser.add_argument("--most-mib", type=float, default=600)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        index = args.index
        if index is None:
            index, lines = os.path.join(top, "list.lykta"), os.path.join(top, "list.csv")
            with open(lines, "w") as file:
                file.write(f"sha256,pdq\n{'01' * 32},{'0f1e2d3c' * 8}\n")
            subprocess.run([args.lykta, "index", "build", "-q", "-o", index, lines], check=True, stdout=subprocess.DEVNULL)
        out, begin = os.path.join(top, "out"), time.time()
        command = [args.lykta, "scan", "-q", "--index", index, "--jobs", args.jobs, "--record", "all", "-o", out, args.path]
        scan = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        most, at, resident = 0, 0.0, {}
        while scan.poll() is None:
            processes = [scan.pid, *children(scan.pid)]
            now = {pid: status(pid) for pid in processes}
            held = sum(values.get("RssAnon", 0) for values in now.values())
            if held > most:
                most, at = held, time.time() - begin
            for pid, values in now.items():
                resident[pid] = max(resident.get(pid, 0), values.get("VmHWM", 0))
            time.sleep(0.005)
        took, code = time.time() - begin, scan.returncode
        items = json.load(open(os.path.join(out, "summary.json")))["seen"]["items"] if code in (0, 1, 3, 4) else 0
    print(f"exit code {code}, {items} items, {took:.1f} s, {len(resident)} processes")
    print(f"RssAnon at most {most / 1024:.0f} MiB, after {at:.1f} s; VmHWM {max(resident.values(), default=0) / 1024:.0f} MiB")
    if code not in (0, 1, 3, 4) or most / 1024 > args.most_mib:
        sys.exit(1)


main()
