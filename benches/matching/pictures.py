"""Photographs from folders, and cut-outs of them that do not overlap."""

import pathlib

from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
LONGEST = 1024


def files(folders):
    """Picture files below the folders, sorted within each."""
    return [p for folder in folders for p in sorted(pathlib.Path(folder).rglob("*")) if p.suffix.lower() in SUFFIXES]


def load(path, longest=LONGEST):
    """A picture as RGB, reduced to at most `longest` pixels a side."""
    picture = Image.open(path)
    picture.draft("RGB", (longest, longest))
    picture = picture.convert("RGB")
    picture.thumbnail((longest, longest), Image.LANCZOS)
    return picture


def parts(folders, across=3):
    """Names and cut-outs, `across` by `across` a photograph: of each photograph one, then of each the next."""
    loaded = [(p.stem, load(p, 1600)) for p in files(folders)]
    found = []
    for cell in range(across * across):
        cell = cell * 5 % (across * across)
        for name, picture in loaded:
            w, h = picture.width / across, picture.height / across
            box = [round(v) for v in (cell % across * w, cell // across * h, (cell % across + 1) * w, (cell // across + 1) * h)]
            found.append((f"{name}#{cell}", picture.crop(box)))
    return found


