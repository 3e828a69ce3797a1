#!/usr/bin/env python3
"""What the program says about pictures that have nothing to do with each other, with all views on.

usage: false_alarms.py --lykta BINARY --photos FOLDER... --out FILE.json [--each 150] [--seed 1] [--work FOLDER]

Photographs, cut-outs of them that do not overlap, and made-up negatives are written to the folder --work, listed with
`hash --views crops`, and all scanned against that list. Left out are pairs that show the same: a picture and itself,
what is of or shows the same photograph, and photographs whose 64 x 64 planes of luma correlate by 0.9 or more
(a wallpaper and its second size). A pair is a query and a listed picture; it counts if any of their views match.

Needs: pip install numpy pillow
"""

import argparse
import collections
import csv
import json
import multiprocessing
import os
import pathlib
import subprocess
import tempfile

import numpy as np

import collect
import negatives
import pdq
import pictures

BANDS = ("strong", "medium", "weak")
SHOWN = {"chat_photo": 1, "viewer": 1, "web_page": 1, "player": 6}  # pictures that show one cut-out for the greater part
SAME = 0.9
QUERY_HASHES = 10  # eight variants and the upper and lower part; what is within borders comes on top


def write(job):
    """Writes one made-up negative."""
    group, number, seed, folders, out = job
    shown = [p for _, p in collect.all_parts(folders)] if group in negatives.NEED_PARTS else ()
    negatives.make(group, number, seed, shown).save(out / f"{group}={number}.png", compress_level=1)


def make(arguments, out):
    """Writes all pictures; gives the names of cut-outs in order, and each photograph's plane by name."""
    folders = tuple(arguments.photos)
    planes = {}
    for file in pictures.files(folders):
        picture = pictures.load(file)
        picture.save(out / f"photograph={file.stem}.jpg", quality=95)
        planes[file.stem] = pdq.plane(pdq.luma(picture)).ravel()
    names = []
    for name, picture in collect.all_parts(folders):
        picture.save(out / f"part={name}.jpg", quality=95)
        names.append(name)
    jobs = [
        (group, number, arguments.seed, folders, out)
        for group in negatives.GROUPS
        for number in range(min(arguments.each, collect.LIMITS.get(group, arguments.each)))
    ]
    with multiprocessing.Pool(2) as pool:
        pool.map(write, jobs, chunksize=8)
    return names, planes


def sources(files, names, planes):
    """The photograph each file is, is a part of, or shows; photographs that are nearly the same are one."""
    stems = sorted(planes)
    alike = np.corrcoef([planes[s] for s in stems]) >= SAME
    first = {stem: stems[int(np.argmax(row))] for stem, row in zip(stems, alike)}
    found = {}
    for file in files:
        group, _, name = file.partition("=")
        if group in SHOWN:
            name = names[int(name) * SHOWN[group] % len(names)]
        found[file] = first.get(name.rpartition("#")[0] or name) if group in (*SHOWN, "photograph", "part") else None
    merged = sorted(s for s in stems if first[s] != s)
    return found, merged


def run(*arguments):
    told = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)
    if told.returncode not in (0, 1):
        raise SystemExit(told.stderr)
    return told.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lykta", required=True)
    parser.add_argument("--photos", nargs="+", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--each", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path)
    arguments = parser.parse_args()
    work = arguments.work or pathlib.Path(tempfile.mkdtemp())
    made = work / "pictures"
    made.mkdir(parents=True)
    names, planes = make(arguments, made)
    table = work / "list.csv"
    table.write_text(run(arguments.lykta, "hash", "-q", "--kind", "pdq", "--views", "crops", "--csv", made))
    run(arguments.lykta, "index", "build", "-q", "-o", work / "list.lykta", table)
    run(arguments.lykta, "scan", "-q", "--report", "jsonl", "--warn-hits", 0, "--index", work / "list.lykta", "-o", work / "report", made)
    rows = list(csv.DictReader(table.open()))
    stem = lambda path: pathlib.Path(path).name.rpartition(".")[0]
    listed = collections.Counter(stem(r["path"]) for r in rows)
    good = {stem(r["path"]) for r in rows if not r.get("view") and int(r["pdq_quality"]) >= 50}
    source, merged = sources(listed, names, planes)
    kind = lambda file: "photographs" if file.partition("=")[0] in ("photograph", "part") else file.partition("=")[0]
    related = lambda a, b: a == b or (source[a] is not None and source[a] == source[b])
    found = collections.defaultdict(lambda: dict.fromkeys(BANDS, 0))
    nearest = {}
    examples = []
    for line in (work / "report" / "findings.jsonl").read_text().splitlines():
        finding = json.loads(line)
        query = stem(os.fsdecode(finding["locator"][0]))
        best = {}
        for match in finding["matches"]:
            entry = stem(match["entry"])
            if entry in listed and not related(query, entry):
                key = (BANDS.index(match["band"]), match["distance"])
                if entry not in best or key < best[entry][0]:
                    best[entry] = (key, match)
        for entry, ((band, distance), match) in best.items():
            group = kind(query) if kind(query) == kind(entry) else "of different groups"
            found[group][BANDS[band]] += 1
            nearest[group] = min(nearest.get(group, 256), distance)
            if band < 2:
                examples.append([query, entry, BANDS[band], distance, match["view"], match.get("entry_view")])
    groups = {}
    of_kind = collections.defaultdict(list)
    for file in listed:
        of_kind[kind(file)].append(file)
    for name, files in of_kind.items():
        pairs = sum(not related(a, b) for a in files for b in files)
        comparisons = sum(QUERY_HASHES * listed[b] for a in files for b in files if not related(a, b))
        groups[name] = {"pictures": len(files), "of_quality_50": sum(f in good for f in files), "pairs": pairs}
        groups[name] |= {"comparisons": comparisons} | found[name] | {"nearest": nearest.get(name)}
    groups["of different groups"] = dict(found["of different groups"])
    kept = {"rows": len(rows), "pictures": len(listed), "merged": merged, "groups": groups, "above_weak": examples}
    arguments.out.write_text(json.dumps(kept) + "\n")
    for name, counts in groups.items():
        print(name, counts)
    print(len(merged), "photographs that are nearly another:", merged)


if __name__ == "__main__":
    main()
