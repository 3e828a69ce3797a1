"""Parts of a picture that are hashed beside the whole: without borders (of a query), crops (of a listed picture)."""

import numpy as np

UNIFORM = 12.0  # standard deviation within a border line, grey levels, at most
STEP = 20.0  # how far the mean of a border line may be from that of the outermost
KEPT = 0.25  # of each side at least, or nothing is taken off


def _inner(means, deviations):
    """First and last+1 line that are not border, from each line's mean and deviation."""
    border = lambda order: next(
        (n for n, line in enumerate(order) if deviations[line] > UNIFORM or abs(means[line] - means[order[0]]) > STEP), len(order)
    )
    lines = range(len(means))
    return border(lines), len(means) - border(lines[::-1])


def unbordered(luma):
    """The picture without uniform rows and columns at its edges; None where there are none, or too little is left."""
    rows, columns = luma.shape
    top, bottom = _inner(luma.mean(axis=1), luma.std(axis=1))
    if bottom - top < KEPT * rows:
        return None
    inner = luma[top:bottom]
    left, right = _inner(inner.mean(axis=0), inner.std(axis=0))
    if right - left < KEPT * columns or (bottom - top, right - left) == (rows, columns):
        return None
    return inner[:, left:right]


# Of a listed picture: the share of its height taken off above and below, of its width left and right.
CROPS = {
    "centre 95": (0.025, 0.025, 0.025, 0.025),
    "centre 90": (0.05, 0.05, 0.05, 0.05),
    "centre 85": (0.075, 0.075, 0.075, 0.075),
    "centre 80": (0.10, 0.10, 0.10, 0.10),
    "centre 70": (0.15, 0.15, 0.15, 0.15),
    "upper 60": (0, 0.40, 0, 0),
    "lower 60": (0.40, 0, 0, 0),
    "top off": (0.10, 0, 0, 0),
    "bottom off": (0, 0.10, 0, 0),
    "both off": (0.10, 0.10, 0, 0),
}


def crop(luma, name):
    above, below, left, right = CROPS[name]
    rows, columns = luma.shape
    return luma[int(rows * above) : rows - int(rows * below), int(columns * left) : columns - int(columns * right)]


def queries(luma):
    """Views of a query by name, the whole first; a view that is no other than the whole is left out."""
    inner = unbordered(luma)
    return {"whole": luma} | ({} if inner is None else {"unbordered": np.ascontiguousarray(inner)})


def entries(luma):
    """Views of a listed picture by name."""
    return {"whole": luma} | {name: crop(luma, name) for name in CROPS}
