#!/usr/bin/env python3
"""Derives the table of bands from measured distances, and counts what is confused before and after the plain rule.

usage: bands.py --table crates/lykta-scan/src/bands/table.rs --out docs/matching/bands.json SET.npz...

SET.npz are files of collect.py, with other seeds each, and the same photographs. The rule, for each kind of comparison:

    confused = pairs of unrelated pictures of any group, both of quality 50 or more, the query not plain
    strong   = the largest distance that is more than MARGIN bits below the nearest of those that are confused
    medium   = the same, below the nearest unrelated photographs, but no more than the program's radius

and no comparison has more than two whole pictures have. Crops stand for any part. The same files give the same table.

Cost: some 5,000 x 5,000 x 8 distances for each of 22 pairs of views: a few minutes and 3 GB.

Needs: pip install numpy pillow
"""

import argparse
import collections
import json
import pathlib

import numpy as np

import data
import gates
import views

LEAST_QUALITY = 50
RADIUS = 31  # the program's
LOOKED_AT = 47  # distances up to here
MARGIN = 2
KINDS = ("Whole", "Unbordered", "Part")
PHOTOGRAPHS = ("photograph", "part")


def kind(query_view, entry_view):
    if entry_view != "whole":
        return "Part"
    return "Whole" if query_view == "whole" else "Unbordered"


class Measured:
    """What all files say."""

    def __init__(self):
        self.confused = {k: LOOKED_AT + 1 for k in KINDS}  # the least distance, and whose
        self.whose = dict.fromkeys(KINDS, "")
        self.photographs = {k: LOOKED_AT + 1 for k in KINDS}
        self.groups = collections.defaultdict(lambda: {"pictures": 0, "plain": 0, "good": 0, "near": 0, "good_near": 0, "left": 0})
        self.histograms = {}
        self.pairs_of_photographs = 0

    def add(self, path, is_first):
        rows = data.Data(path)
        plain = {}

        def is_plain(row):
            if row not in plain:
                plain[row] = gates.is_plain(rows, row)
            return plain[row]

        self._pictures(rows, is_plain, is_first)
        for query_view in ("whole", "unbordered"):
            for entry_view in ("whole", *views.CROPS):
                pairs, table = data.near_pairs(rows, query_view, entry_view, LOOKED_AT)
                self._pairs(rows, kind(query_view, entry_view), pairs, is_plain, is_first)
                if is_first and (query_view, entry_view) == ("whole", "whole"):
                    self.histograms = {f"{a}, {b}": counts.tolist() for (a, b), counts in table.items()}

    def _pictures(self, rows, is_plain, is_first):
        whole = np.flatnonzero((rows.view == "whole") & (rows.quality >= LEAST_QUALITY))
        for row in whole:
            group = str(rows.group[row])
            if is_first or group not in (*PHOTOGRAPHS, "drawing"):
                self.groups[group]["good"] += 1
                self.groups[group]["plain"] += bool(is_plain(row))
        names, counts = np.unique(rows.group[rows.view == "whole"], return_counts=True)
        for name, count in zip(names, counts):
            if is_first or name not in (*PHOTOGRAPHS, "drawing"):
                self.groups[str(name)]["pictures"] += int(count)
        if is_first:
            taken = whole[np.isin(rows.group[whole], PHOTOGRAPHS)]
            of_one = np.unique(rows.source[taken], return_counts=True)[1]
            self.pairs_of_photographs = int((len(taken) ** 2 - (of_one**2).sum()) // 2)

    def _pairs(self, rows, what, pairs, is_plain, is_first):
        for query, entry, distance, _ in pairs.T:
            groups = (str(rows.group[query]), str(rows.group[entry]))
            good = min(rows.quality[query], rows.quality[entry]) >= LEAST_QUALITY
            # Of two whole pictures each is once the query.
            left = good and not (is_plain(query) and (what != "Whole" or is_plain(entry)))
            if left and distance < self.confused[what]:
                self.confused[what], self.whose[what] = int(distance), ", ".join(groups)
            if good and all(group in PHOTOGRAPHS for group in groups):
                self.photographs[what] = min(self.photographs[what], int(distance))
            if what == "Whole" and distance <= RADIUS:
                if not is_first and all(g in (*PHOTOGRAPHS, "drawing") for g in groups):
                    continue
                counts = self.groups[groups[0] if groups[0] == groups[1] else "of different groups"]
                counts["near"] += 1
                counts["good_near"] += bool(good)
                counts["left"] += bool(left)

    def table(self):
        """Largest distances by kind of comparison: (strong, medium), none where there is no such."""
        most = [RADIUS, RADIUS]  # that of two whole pictures, once it is known
        found = {}
        for what in KINDS:
            nearest = (self.confused[what], self.photographs[what])
            limits = [min(near - 1 - MARGIN, limit) for near, limit in zip(nearest, most)]
            if what == "Whole":
                most = limits
            found[what] = tuple(limit if limit >= 0 else None for limit in limits)
        return found


def rust(table):
    some = lambda distance: "None" if distance is None else f"Some({distance})"
    rows = [
        f"    Row {{ compared: Compared::{what}, strong: {some(strong)}, medium: {some(medium)} }},\n"
        for what, (strong, medium) in table.items()
    ]
    return (
        "//! Which distance makes which band, by what was compared. Made by `benches/matching/bands.py`;\n"
        "//! docs/matching.md explains it.\n\n"
        "use super::{Compared, Row};\n\n"
        "/// Both pictures have at least this quality, or the match is weak.\n"
        f"pub(super) const LEAST_QUALITY: u8 = {LEAST_QUALITY};\n\n"
        "/// Largest distance of each band, in bits; none where no distance is enough.\n"
        f"pub(super) const TABLE: [Row; {len(rows)}] = [\n{''.join(rows)}];\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--table", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    measured = Measured()
    for number, path in enumerate(arguments.sets):
        measured.add(path, number == 0)
    table = measured.table()
    arguments.table.write_text(rust(table))
    kept = {
        "nearest_confused": measured.confused,
        "nearest_confused_groups": measured.whose,
        "nearest_photographs": measured.photographs,
        "looked_at_up_to": LOOKED_AT,
        "pairs_of_photographs": measured.pairs_of_photographs,
        "bands": table,
        "groups": measured.groups,
        "histograms": measured.histograms,
    }
    arguments.out.write_text(json.dumps(kept) + "\n")
    print(json.dumps({k: v for k, v in kept.items() if k not in ("histograms", "groups")}, indent=1))
    for group, counts in measured.groups.items():
        print(group, counts)


if __name__ == "__main__":
    main()
