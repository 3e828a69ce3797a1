#!/usr/bin/env python3
"""Kills and stops scans at random moments and goes on with them: the result must be that of a scan that was left alone.

    python3 benches/evidence/kill.py target/release/lykta INDEX PATH [--kills 200] [--jobs 2] [--most-ms 400] [--isolate]

Prints how often the scan was killed and what that cost; exits 1 when any output differs, or the log does not tell of
each finding and problem once.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# What a scan exits with that was stopped.
STOPPED = 2

COMPARED = ["findings.jsonl", "errors.jsonl", "items.jsonl", "summary.json", "findings.csv", "report.html"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lykta")
    parser.add_argument("index")
    parser.add_argument("path")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--most-ms", type=float, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--isolate", action="store_true", help="decode in worker processes")
    args = parser.parse_args()
    random.seed(args.seed)
    top = tempfile.mkdtemp()
    command = [args.lykta, "scan", "-q", "--index", args.index, "--record", "all", "--report", "jsonl,csv,html"]
    command += ["--isolate"] if args.isolate else []
    alone, killed = os.path.join(top, "alone"), os.path.join(top, "killed")
    begin = time.time()
    code = subprocess.run([*command, "--jobs", args.jobs, "-o", alone, args.path], stdout=subprocess.DEVNULL).returncode
    took = time.time() - begin
    kills, spent, rounds, again = 0, 0.0, 0, None
    while kills < args.kills:
        rounds += 1
        shutil.rmtree(killed, ignore_errors=True)
        while True:
            begin = time.time()
            scan = subprocess.Popen(
                [*command, "--jobs", random.choice(["1", args.jobs]), "--resume", "-o", killed, args.path],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
            how = None
            try:
                again = scan.wait(timeout=random.uniform(0, args.most_ms) / 1000)
            except subprocess.TimeoutExpired:
                # Now and then as by Ctrl-C: then a report is written, and says that it is not complete.
                how = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT])
                scan.send_signal(how)
                again = scan.wait()
            spent += time.time() - begin
            if how is None or again not in (-signal.SIGKILL, -signal.SIGINT, STOPPED):
                break
            if how == signal.SIGINT and os.path.exists(os.path.join(killed, "manifest.json")):
                if subprocess.run([args.lykta, "report", "verify", "-q", killed]).returncode != 0:
                    sys.exit(f"the report that was stopped does not verify: {killed}")
            kills += 1
        if again != code:
            sys.exit(f"exit code {again} instead of {code}: {scan.stderr.read()}")
        for name in COMPARED:
            if open(os.path.join(alone, name), "rb").read() != open(os.path.join(killed, name), "rb").read():
                sys.exit(f"{name} differs after {kills} kills: see {top}")
        left = set(os.listdir(killed)) ^ set(os.listdir(alone))
        if left:
            sys.exit(f"the folders differ: {left}")
        if subprocess.run([args.lykta, "report", "verify", "-q", killed]).returncode != 0:
            sys.exit(f"the report does not verify: {killed}")
        if told(killed) != reported(killed):
            sys.exit(f"log.jsonl does not tell of each finding and problem once: {killed}")
    items = json.load(open(os.path.join(alone, "summary.json")))["seen"]["items"]
    print(f"{kills} kills in {rounds} scans of {items} items: the same {len(COMPARED)} files each time")
    print(f"a scan alone {took:.1f} s, a scan with its {kills / rounds:.0f} kills {spent / rounds:.1f} s")
    shutil.rmtree(top)


def told(report):
    """Findings and problems by the log."""
    lines = [json.loads(line) for line in open(os.path.join(report, "log.jsonl"), encoding="utf-8")]
    found = sorted(line["line_sha256"] for line in lines if line["event"] == "found")
    problems = sorted(
        (line["locator"], line["outcome"], line["reason"]) for line in lines if line["event"] == "problem"
    )
    return found, problems


def reported(report):
    """The same by what was reported."""
    findings = open(os.path.join(report, "findings.jsonl"), "rb").read().splitlines()
    errors = [json.loads(line) for line in open(os.path.join(report, "errors.jsonl"), encoding="utf-8")]
    found = sorted(hashlib.sha256(line).hexdigest() for line in findings)
    return found, sorted((line["locator"], line["outcome"], line["reason"]) for line in errors)


main()
