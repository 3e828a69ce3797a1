#!/usr/bin/env python3
"""Which changed copies of photographs the program finds, with and without list views, beside pdqhash.

usage: recall.py --lykta BINARY --set FOLDER --out STEM [--reference CACHE.json] [--work FOLDER]

FOLDER is made by make_transforms.py: `original/ID.jpg`, `CHANGE/ID.EXT`, and truth.tsv (change, ID, file). Crops that
no list view has exactly are made beside them, in the folder --work. Writes STEM.tsv (a row a change) and STEM.json
(what the list costs, and the reference's distances for plots.py). The reference's distances of FOLDER's files, the
slowest part, are kept in CACHE.json.

A copy counts as found if any match names its own photograph. Photographs below quality 50 are left out of list and
count. Cost: the program hashes and scans everything twice; some minutes for 4,000 pictures.

Needs: pip install numpy pillow pdqhash
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
import time

import numpy as np
import pdqhash
from PIL import Image

LEAST_QUALITY = 50
RADIUS = 31
BANDS = ("strong", "medium", "weak")

# Crops that no list view has exactly: what stays of the width and height, and where, as shares: left, top, right, bottom.
CROPS = {
    "keep94": (0.03, 0.03, 0.97, 0.97),
    "keep88": (0.0575, 0.0575, 0.9425, 0.9425),
    "keep93_off_centre": (0.07, 0.07, 1, 1),
    "keep83_off_centre": (0.03, 0.12, 0.86, 0.95),
    "left90": (0, 0, 0.9, 1),
    "upper92": (0, 0, 1, 0.92),
    "upper70": (0, 0, 1, 0.7),
    "lower70": (0, 0.3, 1, 1),
}


def make_crops(source, out):
    """(change, ID, file) of each crop of each original."""
    made = []
    for file in sorted((source / "original").iterdir()):
        picture = Image.open(file).convert("RGB")
        for name, (left, top, right, bottom) in CROPS.items():
            target = out / name / f"{file.stem}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            box = (left * picture.width, top * picture.height, right * picture.width, bottom * picture.height)
            picture.crop([round(v) for v in box]).save(target, quality=90)
            made.append((name, file.stem, target))
    return made


def reference_hashes(row):
    change, identifier, file = row
    hashes, quality = pdqhash.compute_dihedral(np.asarray(Image.open(file).convert("RGB")))
    return change, identifier, hashes, int(quality)


def reference_distances(rows):
    """[change, ID, distance as it is, least of the eight variants, quality] of every file."""
    with multiprocessing.Pool(2) as pool:
        found = pool.map(reference_hashes, rows, chunksize=20)
    original = {i: hashes[0] for change, i, hashes, _ in found if change == "original"}
    off = lambda i, hashes: [int((h != original[i]).sum()) for h in hashes]
    return [[change, i, off(i, hashes)[0], min(off(i, hashes)), quality] for change, i, hashes, quality in found]


def run(*arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)


def make_list(lykta, source, work, views):
    """Hashes the originals and makes an index; gives what it cost and the IDs listed."""
    started = time.perf_counter()
    told = run(lykta, "hash", "-q", "--jobs", 1, "--kind", "pdq", "--csv", *(["--views", "crops"] if views else []), source / "original")
    seconds = time.perf_counter() - started
    rows = list(csv.DictReader(told.stdout.splitlines()))
    good = {r["path"] for r in rows if not r.get("view") and int(r["pdq_quality"]) >= LEAST_QUALITY}
    listed = [r for r in rows if r["path"] in good]
    table, index = work / f"list{views:d}.csv", work / f"list{views:d}.lykta"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(listed)
    told = run(lykta, "index", "build", "-q", "-o", index, table)
    if told.returncode:
        raise SystemExit(told.stderr)
    cost = {
        "pictures_hashed": sum(not r.get("view") for r in rows),
        "seconds_of_hash_jobs_1": round(seconds, 2),
        "pictures": len(good),
        "rows": len(listed),
        "csv_bytes": table.stat().st_size,
        "index_bytes": index.stat().st_size,
    }
    return index, cost, {pathlib.Path(p).stem for p in good}


def scan(lykta, index, folder, work):
    """Best band of each ID that was found as itself, how, and matches with other pictures."""
    report = pathlib.Path(tempfile.mkdtemp(dir=work))
    told = run(lykta, "scan", "-q", "--report", "jsonl", "--index", index, "-o", report, folder)
    if told.returncode not in (0, 1):
        raise SystemExit(told.stderr)
    band, how, others = {}, collections.Counter(), []
    for line in (report / "findings.jsonl").read_text().splitlines():
        finding = json.loads(line)
        identifier = pathlib.Path(os.fsdecode(finding["locator"][0])).stem
        own = [m for m in finding["matches"] if pathlib.Path(m["entry"]).stem == identifier]
        others += [(identifier, pathlib.Path(m["entry"]).stem, m["distance"]) for m in finding["matches"] if m not in own]
        if own:
            best = min(own, key=lambda m: (BANDS.index(m["band"]), m["distance"]))
            band[identifier] = best["band"]
            how[best["view"].split("_")[0] + (" to " + best["entry_view"] if best.get("entry_view") else "")] += 1
    return band, how, others


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lykta", type=pathlib.Path, required=True)
    parser.add_argument("--set", type=pathlib.Path, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--reference", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path)
    arguments = parser.parse_args()
    work = arguments.work or pathlib.Path(tempfile.mkdtemp())
    truth = [line.split("\t") for line in (arguments.set / "truth.tsv").read_text().splitlines()]
    rows = [(change, i, arguments.set / file) for change, i, file in truth]
    made = make_crops(arguments.set, work / "crops")
    if arguments.reference and arguments.reference.exists():
        known = json.loads(arguments.reference.read_text())
        originals = [row for row in rows if row[0] == "original"]
        reference = known + [row for row in reference_distances(originals + made) if row[0] != "original"]
    else:
        reference = reference_distances(rows + made)
        if arguments.reference:
            arguments.reference.write_text(json.dumps([r for r in reference if r[0] not in CROPS]))
    changes = [c for c in dict.fromkeys(r[0] for r in rows + made) if c != "original"]
    found, cost = {}, {}
    for views in (False, True):
        index, cost["with views" if views else "plain"], good = make_list(arguments.lykta, arguments.set, work, views)
        for change in changes:
            folder = (work / "crops" if change in CROPS else arguments.set) / change
            found[change, views] = scan(arguments.lykta, index, folder, work)
    distances = {c: sorted(r[3] for r in reference if r[0] == c and r[1] in good) for c in changes}
    columns = ["change", "copies", "reference", "lykta", "lykta_views"]
    columns += [f"{b}{v}" for v in ("", "_views") for b in BANDS] + ["others", "others_views", "how_views"]
    with open(arguments.out + ".tsv", "w", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        for change in changes:
            cells = [change, len(good), sum(d <= RADIUS for d in distances[change])]
            for views in (False, True):
                cells.append(sum(i in good for i in found[change, views][0]))
            for views in (False, True):
                count = collections.Counter(found[change, views][0].values())
                cells += [count[b] for b in BANDS]
            cells += [len(found[change, views][2]) for views in (False, True)]
            cells.append(", ".join(f"{n} {k}" for k, n in found[change, True][1].most_common(3)))
            writer.writerow(cells)
    others = {c: found[c, True][2] for c in changes if found[c, True][2]}
    kept = {"cost": cost, "reference_distances": distances, "matches_of_others_with_views": others}
    pathlib.Path(arguments.out + ".json").write_text(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
