"""Time `lykta hash` and other tools from a JPEG to its PDQ hash, in turns.

usage: pictures.py LYKTA FOLDER [ROUNDS]

Takes every .jpg and .jpeg beneath FOLDER, baseline and progressive ones apart. Each round times, on one
thread and in processor time:
- `LYKTA hash --kind pdq --jobs 1`, the whole process: start, reading, decoding, hashing, output;
- libjpeg-turbo's decoding to grey alone, of files read before;
- Pillow's decoding at an eighth to a half, its thumbnail of 512 pixels, and pdqhash;
- threatexchange's pdq_from_bytes.
Printed are milliseconds a picture and the median of the rounds' ratios, Lykta to the other.

Needs: apt-get install libturbojpeg0; pip install 'PyTurboJPEG<2' pdqhash threatexchange pillow numpy
"""

import io
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import pdqhash
from PIL import Image
from threatexchange.signal_type.pdq.pdq_hasher import pdq_from_bytes
from turbojpeg import TJPF_GRAY, TurboJPEG

TURBO = TurboJPEG()


def thumbnail(file):
    picture = Image.open(io.BytesIO(file))
    picture.draft("RGB", (512, 512))
    picture.thumbnail((512, 512))
    pdqhash.compute(np.asarray(picture.convert("RGB")))


OTHERS = {
    "libjpeg-turbo, decoding to grey": lambda file: TURBO.decode(file, pixel_format=TJPF_GRAY),
    "Pillow, thumbnail + pdqhash": thumbnail,
    "threatexchange pdq_from_bytes": pdq_from_bytes,
}


def seconds_of(step, files):
    start = time.process_time()
    for file in files:
        step(file)
    return time.process_time() - start


def seconds_of_lykta(lykta, paths):
    def spent():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = spent()
    command = [lykta, "hash", "-q", "--kind", "pdq", "--jobs", "1", *map(str, paths)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return spent() - start


def measure(kind, lykta, paths, rounds):
    files = [path.read_bytes() for path in paths]
    sizes = [Image.open(path).size for path in paths]
    pixels = sum(width * height for width, height in sizes)
    print(f"{kind}: {len(files)} pictures, {pixels / 1e6 / len(files):.1f} MP a picture")
    own, others = [], {name: [] for name in OTHERS}
    for _ in range(rounds):
        own.append(seconds_of_lykta(lykta, paths))
        for name, step in OTHERS.items():
            others[name].append(seconds_of(step, files))
    each = 1e3 / len(files)
    print(f"  {'lykta hash':34} {statistics.median(own) * each:8.2f} ms a picture")
    for name, seconds in others.items():
        ratio = statistics.median(a / b for a, b in zip(own, seconds))
        print(f"  {name:34} {statistics.median(seconds) * each:8.2f} ms a picture, ratio {ratio:.3f} (1 : {1 / ratio:.1f})")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    lykta, folder, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), int((sys.argv + [5])[3])
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg")]
    if not paths:
        sys.exit(f"no JPEG files beneath {folder}")
    progressive = {path for path in paths if "progressive" in Image.open(path).info}
    for kind, chosen in [
        ("baseline", [path for path in paths if path not in progressive]),
        ("progressive", [path for path in paths if path in progressive]),
    ]:
        if chosen:
            measure(kind, lykta, chosen, rounds)


if __name__ == "__main__":
    main()
