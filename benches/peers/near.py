"""Time faiss's near search on the list and the queries that `lykta query` was given.

usage: near.py LIST QUERIES [RADIUS]

LIST is a plain list, one PDQ hash of 64 hexadecimal digits a line, perhaps after a line `pdq`; QUERIES has one pdq:HEX a line, as
`lykta query` reads them (the prefix may be missing). RADIUS is in bits, 31 if not given. One thread.

Needs: pip install faiss-cpu numpy
"""

import sys
import time

import faiss
import numpy as np

BITS = 256
# 16 tables of 16 bits; each query also looks into the buckets one bit away. Within 31 bits at least
# one of 16 pieces differs in at most 1 bit, so the answer is complete.
TABLES, TABLE_BITS, FLIPS = 16, 16, 1
COMPLETE_UP_TO = TABLES * (FLIPS + 1) - 1
# The scan's cost a query does not vary: a sample of the queries will do.
FLAT_QUERIES = 200


def hashes(path):
    with open(path, encoding="ascii") as lines:
        digits = [line.strip().removeprefix("pdq:") for line in lines if line.strip() not in ("", "pdq")]
    return np.array([list(bytes.fromhex(hash)) for hash in digits], dtype=np.uint8)


def measure(name, index, known, queries, radius):
    start = time.perf_counter()
    index.add(known)
    built = time.perf_counter() - start
    start = time.perf_counter()
    # faiss gives what is nearer than the radius; lykta what is as near or nearer.
    limits, _, _ = index.range_search(queries, radius + 1)
    seconds = time.perf_counter() - start
    print(
        f"{name:28} built in {built:.2f} s  {seconds / len(queries) * 1e6:.1f} us a query"
        f"  {len(queries)} queries  {limits[-1]} pairs"
    )


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    radius = int(sys.argv[3]) if len(sys.argv) == 4 else 31
    known, queries = hashes(sys.argv[1]), hashes(sys.argv[2])
    faiss.omp_set_num_threads(1)
    measure("IndexBinaryFlat", faiss.IndexBinaryFlat(BITS), known, queries[:FLAT_QUERIES], radius)
    if radius > COMPLETE_UP_TO:
        print(f"IndexBinaryMultiHash would miss pairs beyond {COMPLETE_UP_TO} bits: left out")
        return
    multi = faiss.IndexBinaryMultiHash(BITS, TABLES, TABLE_BITS)
    multi.nflip = FLIPS
    measure(f"IndexBinaryMultiHash {TABLES}x{TABLE_BITS}", multi, known, queries, radius)


if __name__ == "__main__":
    main()
