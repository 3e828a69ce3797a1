"""What a gate could look at: numbers of one picture, from its 64 x 64 plane, and of a pair, from both hashes.

For every number a larger value says "less telling".
"""

import numpy as np

import pdq


def mode(plane):
    """Share of the plane within 3 grey levels of its commonest level, %."""
    levels = np.bincount(np.clip(np.rint(plane), 0, 255).astype(int).ravel(), minlength=256)
    return 100 * np.convolve(levels, np.ones(7), "same").max() / plane.size


def two_modes(plane):
    """Share within 3 grey levels of either of the two commonest levels, %."""
    levels = np.bincount(np.clip(np.rint(plane), 0, 255).astype(int).ravel(), minlength=256)
    near = np.convolve(levels, np.ones(7), "same")
    first = near.argmax()
    rest = levels.copy()
    rest[max(0, first - 3) : first + 4] = 0
    return 100 * (near[first] + np.convolve(rest, np.ones(7), "same").max()) / plane.size


def flat(plane):
    """Share of the plane whose right and lower neighbours are within 1 grey level, %."""
    down, across = np.abs(np.diff(plane, axis=0))[:, :-1], np.abs(np.diff(plane, axis=1))[:-1]
    return 100 * np.mean(np.maximum(down, across) < 1)


def few_rows(plane):
    """Share of 8 x 8 blocks of the plane whose deviation is below 2 grey levels, %."""
    blocks = plane.reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64)
    return 100 * np.mean(blocks.std(axis=1) < 2)


def weak(block):
    """Frequencies within 4 grey levels of the median (of 256): bits that a little noise turns."""
    return int(np.sum(np.abs(block - np.median(block)) < 4))


def unstable(block):
    """Frequencies nearer to the median than a tenth of the usual distance from it (of 256)."""
    off = np.abs(block - np.median(block))
    return int(np.sum(off < 0.1 * np.sqrt(np.mean(off**2))))


def concentration(block):
    """Share of the energy in the 8 strongest of 256 frequencies, %."""
    energy = np.sort((block**2).ravel())
    return 100 * energy[-8:].sum() / max(energy.sum(), 1e-9)


def few(block):
    """256 less the number of frequencies that carry the energy (participation ratio)."""
    energy = block**2
    return 256 - energy.sum() ** 2 / max((energy**2).sum(), 1e-9)


def separable(block):
    """Share of energy in the strongest product of a row and a column, %: stripes, checkers."""
    singular = np.linalg.svd(block, compute_uv=False) ** 2
    return 100 * singular[0] / max(singular.sum(), 1e-9)


def symmetric(rows):
    """256 less the least distance of the eight variants from one another."""
    apart = (rows[0][None] != rows[1:]).sum(axis=1)
    return 256 - int(apart.min())


def little(quality):
    return 100 - quality


def even(plane):
    """Share of the plane's steps to the next row and column that are below 1 % of the scale, once the median step of
    each row and column is taken off (so that straight lines from edge to edge, and gradients, do not count), %."""
    down, across = np.diff(plane, axis=0), np.diff(plane, axis=1)
    down, across = down - np.median(down, axis=1, keepdims=True), across - np.median(across, axis=0, keepdims=True)
    return 100 * (np.mean(np.abs(down) < 2.55) + np.mean(np.abs(across) < 2.55)) / 2


def capped(plane):
    """100 less quality with every step counted as at most 3 % of the scale: a few hard edges are not enough."""
    down, across = np.trunc(np.diff(plane, axis=0) / 2.55), np.trunc(np.diff(plane, axis=1) / 2.55)
    return 100 - min(100, (np.minimum(np.abs(down), 3).sum() + np.minimum(np.abs(across), 3).sum()) / 40)


PLANE = {"even": even, "capped": capped, "mode": mode, "two_modes": two_modes, "flat": flat, "even_blocks": few_rows}
BLOCK = {"weak": weak, "unstable": unstable, "concentration": concentration, "few": few, "separable": separable}


def of_row(data, row):
    """All numbers of one query row."""
    block = data.blocks[row][0]
    found = {name: f(data.plane(row)) for name, f in PLANE.items()} | {name: f(block) for name, f in BLOCK.items()}
    found["symmetric"] = symmetric(pdq.bits(pdq.variants(data.blocks[row])))
    found["low_quality"] = little(data.quality[row])
    return found


def low_bits(rows):
    """The 64 bits of the lowest 8 x 8 frequencies, out of 256."""
    return rows.reshape(*rows.shape[:-1], 16, 16)[..., :8, :8].reshape(*rows.shape[:-1], 64)


def of_pair(query_block, entry_block):
    """Numbers of a query's variant and an entry: distance of pHash, of the hash's low bits, and of those that are left."""
    a, b = pdq.bits(query_block), pdq.bits(entry_block)
    low = int((low_bits(a) != low_bits(b)).sum())
    return {
        "phash": int((pdq.bits(query_block[:8, :8]) != pdq.bits(entry_block[:8, :8])).sum()),
        "low_bits": low,
        "correlation": -100 * float(np.corrcoef(query_block.ravel(), entry_block.ravel())[0, 1]),
    }
