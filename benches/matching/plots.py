#!/usr/bin/env python3
"""Draws docs/matching/{recall,unrelated,changes}.svg from what recall.py and bands.py wrote.

usage: plots.py [FOLDER]        FOLDER has recall.tsv, recall.json and bands.json; docs/matching when not given
"""

import csv
import json
import math
import pathlib
import sys

RADIUS = 31
GREY, BLUE, GREEN, RED, BROWN = "#9a9a9a", "#3b6fb6", "#3a9a5b", "#c0392b", "#b07d2b"
HARD = {"documents, documents": BROWN, "screens, screens": RED}


class Drawing:
    """Elements of an SVG of a given size."""

    def __init__(self, width, height):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="11">',
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
        ]

    def line(self, x1, y1, x2, y2, colour="#ccc", more=""):
        self.parts.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" fill="none" {more}/>')

    def bar(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" fill="{colour}"/>')

    def text(self, x, y, words, anchor="start", colour="#222"):
        words = words.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>')

    def curve(self, points, colour):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="1.6" fill="none"/>')

    def key(self, x, y, colour, words):
        self.bar(x, y - 9, 10, 10, colour)
        self.text(x + 15, y, words)

    def save(self, path):
        path.write_text("\n".join([*self.parts, "</svg>"]) + "\n")


def recall(rows, path):
    """Bars of three recalls a change."""
    left, top, wide, high = 130, 40, 480, 24
    bottom = top + high * len(rows)
    drawing = Drawing(left + wide + 30, bottom + 42)
    for n, (colour, words) in enumerate(((GREY, "PDQ reference"), (BLUE, "Lykta"), (GREEN, "Lykta, list with views"))):
        drawing.key(left + 150 * n, 20, colour, words)
    for share in range(0, 101, 20):
        x = left + wide * share / 100
        drawing.line(x, top - 4, x, bottom)
        drawing.text(x, bottom + 15, str(share), "middle")
    drawing.text(left + wide / 2, bottom + 33, "copies found, % of photographs of quality 50 or more", "middle")
    for n, row in enumerate(rows):
        drawing.text(left - 6, top + high * n + 15, row["change"], "end")
        for k, (name, colour) in enumerate((("reference", GREY), ("lykta", BLUE), ("lykta_views", GREEN))):
            drawing.bar(left, top + high * n + 3 + 6 * k, wide * int(row[name]) / int(row["copies"]), 5, colour)
    drawing.save(path)


def unrelated(histograms, path):
    """Share of unrelated pairs within each distance, logarithmic."""
    photographs = [0] * 257
    for name in ("photographs, photographs", "photographs, parts of photographs", "parts of photographs, photographs",
                 "parts of photographs, parts of photographs"):
        photographs = [a + b for a, b in zip(photographs, histograms.get(name, [0] * 257))]
    curves = [("photographs and cut-outs of them", photographs, BLUE)]
    curves += [(name.partition(",")[0], histograms[name], colour) for name, colour in HARD.items()]
    left, top, wide, high, decades, most = 70, 30, 480, 260, 6, 160
    drawing = Drawing(left + wide + 30, top + high + 50)
    for decade in range(decades + 1):
        y = top + high * decade / decades
        drawing.line(left, y, left + wide, y)
        drawing.text(left - 6, y + 4, f"{100 / 10**decade:g}", "end")
    for bits in range(0, most + 1, 20):
        drawing.text(left + wide * bits / most, top + high + 16, str(bits), "middle")
    drawing.text(left + wide / 2, top + high + 36, "distance up to, bits of 256", "middle")
    drawing.text(left, 18, "pairs within that distance, %")
    x = left + wide * RADIUS / most
    drawing.line(x, top, x, top + high, "#222", 'stroke-dasharray="4 3"')
    drawing.text(x + 4, top + 12, "31: a match")
    for n, (name, counts, colour) in enumerate(curves):
        total, within, points = sum(counts), 0, []
        for bits in range(most + 1):
            within += counts[bits]
            if within:
                share = -math.log10(within / total) / decades
                points.append((left + wide * bits / most, top + high * min(share, 1)))
        drawing.curve(points, colour)
        drawing.key(left + wide - 210, top + high - 50 + 16 * n, colour, name)
    drawing.save(path)


def changes(distances, path):
    """Median, and the middle four fifths, of the distances of true copies."""
    rows = sorted((d for d in distances.items() if d[1]), key=lambda row: row[1][len(row[1]) // 2])
    left, top, wide, high, most = 130, 20, 480, 16, 160
    bottom = top + high * len(rows)
    drawing = Drawing(left + wide + 30, bottom + 42)
    for bits in range(0, most + 1, 20):
        x = left + wide * bits / most
        drawing.line(x, top, x, bottom)
        drawing.text(x, bottom + 15, str(bits), "middle")
    drawing.text(left + wide / 2, bottom + 33, "distance of a copy, whole picture, nearest of 8 variants, bits of 256 (10 %, median, 90 %)", "middle")
    x = left + wide * RADIUS / most
    drawing.line(x, top - 8, x, bottom, "#222", 'stroke-dasharray="4 3"')
    for n, (name, found) in enumerate(rows):
        low, middle, high_end = (left + wide * min(found[int(p * (len(found) - 1))], most) / most for p in (0.1, 0.5, 0.9))
        y = top + high * n + high / 2
        drawing.text(left - 6, y + 4, name, "end")
        drawing.line(low, y, high_end, y, BLUE, 'stroke-width="4"')
        drawing.bar(middle - 2, y - 5, 4, 10, RED)
    drawing.save(path)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "docs/matching")
    with (folder / "recall.tsv").open() as file:
        recall(list(csv.DictReader(file, delimiter="\t")), folder / "recall.svg")
    unrelated(json.loads((folder / "bands.json").read_text())["histograms"], folder / "unrelated.svg")
    changes(json.loads((folder / "recall.json").read_text())["reference_distances"], folder / "changes.svg")


if __name__ == "__main__":
    main()
