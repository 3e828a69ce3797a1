"""When a picture is plain: made of so little that different pictures of its kind have near hashes.

The program has the same rule (crates/lykta-media/src/pdq/plain.rs). It was chosen among some twenty numbers of a
picture and of a pair, shares of even planes, energy of frequencies, pHash as a second opinion, as the one that takes
in most of the made-up negatives and fewest changed copies of photographs.
"""

import numpy as np

import pdq

MODE = 33  # share of the plane near its commonest level, %
APART = 50  # bits between two of the eight variants
UNSTABLE = 128  # of 256 frequencies


def mode(plane):
    """Share of the plane within 3 grey levels of its commonest level, %."""
    levels = np.bincount(np.clip(np.rint(plane), 0, 255).astype(int).ravel(), minlength=256)
    return 100 * np.convolve(levels, np.ones(7), "same").max() / plane.size


def unstable(block):
    """Frequencies nearer to the median than a tenth of the usual distance from it (of 256)."""
    off = np.abs(block - np.median(block))
    return int(np.sum(off < 0.1 * np.sqrt(np.mean(off**2))))


def apart(blocks):
    """The least distance of the seven other variants from the picture as it is, in bits."""
    rows = pdq.bits(pdq.variants(blocks))
    return int((rows[0][None] != rows[1:]).sum(axis=1).min())


def is_plain(data, row):
    """Whether a query row of collect.py's file is plain."""
    blocks = data.blocks[row]
    return mode(data.plane(row)) >= MODE or apart(blocks) <= APART or unstable(blocks[0]) >= UNSTABLE
