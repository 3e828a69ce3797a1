"""What collect.py wrote, as arrays, and which pictures have to do with each other."""

import numpy as np

import distances
import negatives


class Data:
    """Rows of one file: columns `group`, `name`, `view`, `quality`, `source`, and bits as needed."""

    def __init__(self, path):
        stored = np.load(path)
        self.group, self.name, self.view = stored["group"], stored["name"], stored["view"]
        self.quality, self.blocks = stored["quality"].astype(int), stored["blocks"]
        self.is_query = np.isin(self.view, ("whole", "unbordered"))
        self.is_entry = self.view != "unbordered"
        self.planes = stored["planes"].astype(np.float32)
        self.plane_row = np.cumsum(self.is_query) - 1
        # Rows of one picture share a number.
        first = np.r_[True, (self.group[1:] != self.group[:-1]) | (self.name[1:] != self.name[:-1])]
        self.picture = np.cumsum(first) - 1
        self.source = self._sources()

    def _sources(self):
        """The photograph that a picture is, is a part of, or shows for the greater part; a number, or -1."""
        numbers = {}
        number = lambda name: numbers.setdefault(str(name).rpartition("#")[0] or str(name), len(numbers))
        parts = list(dict.fromkeys(self.name[self.group == "part"]))
        shown = {"chat_photo": 1, "viewer": 1, "web_page": 1, "player": 6}
        found = np.full(len(self.group), -1)
        for row, (group, name) in enumerate(zip(self.group, self.name)):
            if group in ("photograph", "part"):
                found[row] = number(name)
            elif group in shown and parts:
                found[row] = number(parts[int(name) * shown[group] % len(parts)])
        return found

    def family(self):
        """Family of each row's group."""
        of = {group: family for family, groups in negatives.FAMILIES.items() for group in groups}
        known = {"photograph": "photographs", "part": "parts of photographs", "drawing": "drawings"}
        return np.array([known.get(g) or of.get(g, g) for g in self.group])

    def plane(self, row):
        return self.planes[self.plane_row[row]]

    def queries(self, rows):
        return distances.bits_of_queries(self.blocks[rows])

    def entries(self, rows):
        return distances.bits_of_entries(self.blocks[rows])


def near_pairs(data, view, entry_view, radius):
    """Unrelated pairs within a radius, and how often each distance occurs between families.

    Gives (query row, entry row, distance, variant) arrays, and {(query family, entry family): counts of 0..=256}.
    """
    q = np.flatnonzero(data.view == view)
    e = np.flatnonzero(data.view == entry_view)
    family = data.family()
    names = sorted(set(family[q]) | set(family[e]))
    number = {name: n for n, name in enumerate(names)}
    qf, ef = np.array([number[f] for f in family[q]]), np.array([number[f] for f in family[e]])
    counts = np.zeros((len(names), len(names), 257), np.int64)
    found = []
    both_whole = view == entry_view
    for first, least, variant in distances.to_all(data.queries(q), data.entries(e)):
        some = q[first : first + len(least)]
        related = (data.picture[some][:, None] == data.picture[e][None]) | (
            (data.source[some][:, None] == data.source[e][None]) & (data.source[some][:, None] >= 0)
        )
        if both_whole:  # each pair once
            related |= data.picture[some][:, None] > data.picture[e][None]
        pair = (qf[first : first + len(some), None] * len(names) + ef[None]) * 257
        use = ~related
        counts += np.bincount((pair + least)[use], minlength=counts.size).reshape(counts.shape)
        a, b = np.nonzero((least <= radius) & use)
        found.append(np.stack([some[a], e[b], least[a, b], variant[a, b]]))
    table = {(a, b): counts[i, j] for a, i in number.items() for b, j in number.items() if counts[i, j].any()}
    return np.concatenate(found, axis=1).astype(int), table
