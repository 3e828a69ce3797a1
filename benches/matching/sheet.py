"""A contact sheet of made-up negatives, to look at.

usage: sheet.py OUT.png [--photos FOLDER...]

Needs: pip install numpy pillow
"""

import argparse

from PIL import Image

import negatives
import pictures


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--photos", nargs="+", default=[])
    parser.add_argument("--each", type=int, default=6)
    arguments = parser.parse_args()
    parts = [p for _, p in pictures.parts(arguments.photos)]
    groups = [g for g in negatives.GROUPS if parts or g not in negatives.NEED_PARTS]
    sheet = Image.new("RGB", (arguments.each * 134, len(groups) * 134), (120, 160, 120))
    for row, group in enumerate(groups):
        for column in range(arguments.each):
            picture = negatives.make(group, column, parts=parts)
            picture.thumbnail((130, 130))
            sheet.paste(picture, (column * 134, row * 134))
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
