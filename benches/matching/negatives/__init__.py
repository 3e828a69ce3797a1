"""Unrelated pictures that perceptual hashes confuse, made up by seed.

`GROUPS` maps a group's name to a function (rng, number, parts) -> picture. `parts` are cut-outs of photographs that
do not overlap, for groups that show some; picture `number` of a group takes its own.

The same seed, fonts and Pillow give the same pixels. Fonts are those found in the usual places of Linux, or
Pillow's own where there are none.
"""

import zlib

import numpy as np

from . import documents, plain, screens

GROUPS = {**documents.GROUPS, **plain.GROUPS, **screens.GROUPS}
NEED_PARTS = screens.NEED_PARTS

# For tables and plots: groups of one kind side by side.
FAMILIES = {
    "documents": list(documents.GROUPS),
    "screens": list(screens.GROUPS),
    **plain.FAMILIES,
}


def make(group, number, seed=1, parts=()):
    """Picture `number` of a group, which depends on no other."""
    rng = np.random.default_rng([seed, zlib.crc32(group.encode()), number])
    return GROUPS[group](rng, number, parts)
