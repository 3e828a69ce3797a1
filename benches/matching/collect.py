"""Hashes photographs, their changed copies and made-up negatives in all views, and keeps what gates could look at.

usage: collect.py OUT.npz [--photos FOLDER...] [--drawings FOLDER...] [--each 150] [--seed 1]
       collect.py OUT.npz --truth FOLDER        FOLDER made by make_transforms.py: truth.tsv beside the pictures

The file has one row a picture and view: `group`, `name`, `view` (of a query: whole, unbordered; of a listed
picture: whole and crops), `quality`, `blocks` (16 x 16 frequencies of the four mirrored planes; of crops of the first
only) and `planes` (64 x 64, of query views). A picture's rows follow one another.

Needs: pip install numpy pillow
"""

import argparse
import functools
import multiprocessing
import pathlib

import numpy as np
from PIL import Image

import negatives
import pdq
import pictures
import views

LIMITS = {"gallery": 48, "desktop": 60, "player": 120}  # pictures that show different photographs


def rows(group, name, picture, listed):
    """All rows of one picture."""
    luma = pdq.luma(picture)
    found = []
    for view, values in views.queries(luma).items():
        four = pdq.planes(values)
        if four is not None:
            found.append((group, name, view, pdq.quality(four[0]), pdq.frequencies(four), four[0]))
    for view in views.CROPS if listed else ():
        values = pdq.plane(views.crop(luma, view))
        found.append((group, name, view, pdq.quality(values), pdq.frequencies(values), None))
    return found


@functools.cache
def all_parts(folders):
    return pictures.parts(folders)


def one(job):
    kind, group, item, folders, seed = job
    if kind == "made":
        shown = [p for _, p in all_parts(folders)] if group in negatives.NEED_PARTS else ()
        return rows(group, str(item), negatives.make(group, item, seed, shown), True)
    if kind == "part":
        name, picture = all_parts(folders)[item]
        return rows(group, name, picture, True)
    if kind == "truth":
        return rows(group, item[0], Image.open(item[1]), group == "original")
    return rows(group, item.stem, pictures.load(item), True)


def jobs(arguments):
    if arguments.truth:
        root = pathlib.Path(arguments.truth)
        for line in (root / "truth.tsv").read_text().splitlines():
            change, name, file = line.split("\t")
            yield "truth", change, (name, root / file), (), 0
        return
    photos = tuple(arguments.photos)
    for group, folders in (("photograph", photos), ("drawing", arguments.drawings)):
        for path in pictures.files(folders):
            yield "file", group, path, (), 0
    for number in range(9 * len(pictures.files(photos))):
        yield "part", "part", number, photos, 0
    for group in negatives.GROUPS:
        if photos or group not in negatives.NEED_PARTS:
            for number in range(min(arguments.each, LIMITS.get(group, arguments.each))):
                yield "made", group, number, photos, arguments.seed


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--photos", nargs="+", default=[])
    parser.add_argument("--drawings", nargs="+", default=[])
    parser.add_argument("--truth")
    parser.add_argument("--each", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    work = list(jobs(arguments))
    with multiprocessing.Pool(arguments.jobs) as pool:
        found = [row for some in pool.imap(one, work, chunksize=8) for row in some]
    columns = list(zip(*found))
    np.savez(
        arguments.out,
        group=np.array(columns[0]),
        name=np.array(columns[1]),
        view=np.array(columns[2]),
        quality=np.array(columns[3], np.uint8),
        # Crops have one plane: its block four times would cost memory for nothing, so the rest stays zero.
        blocks=np.array([b if b.ndim == 3 else np.stack([b] + [np.zeros_like(b)] * 3) for b in columns[4]], np.float32),
        planes=np.array([p for p in columns[5] if p is not None], np.float16),
    )
    print(len(work), "pictures,", len(found), "rows")


if __name__ == "__main__":
    main()
