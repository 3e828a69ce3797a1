"""Is the hash of a JPEG that of its luma as libjpeg-turbo decodes it?

usage: same_hash.py LYKTA FOLDER

Writes each picture in FOLDER (PNG, JPEG) anew as JPEG, at qualities 10 to 98, baseline and progressive, grey and
with colours at full and at half resolution, as large as it is and at sides of 5 to 70 pixels; decodes each
to grey with libjpeg-turbo; has LYKTA hash both files; prints how many bits differ. JPEGs of FOLDER are compared
as they are, too. Needs some hundred megabytes for a temporary folder.

Needs: pip install pillow
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from PIL import Image

WHOLE = [  # quality, subsampling (0: full, 1: half across, 2: half both ways), progressive, grey
    (10, 2, False, False),
    (50, 1, True, False),
    (75, 0, False, False),
    (90, 2, True, False),
    (98, 0, False, False),
    (80, 2, False, True),
]
SMALL = [(5, 60), (70, 5), (33, 47), (64, 64), (61, 70)]


def decode(path):
    picture = Image.open(path)
    picture.draft("L", picture.size)
    picture.convert("L").save(path.with_suffix(".pgm"))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        sources = [p for p in sorted(pathlib.Path(sys.argv[2]).iterdir()) if p.suffix in (".png", ".jpg", ".jpeg")]
        for i, source in enumerate(sources):
            picture = Image.open(source).convert("RGB")
            if source.suffix != ".png":
                shutil.copyfile(source, folder / f"{i}.jpg")
            for j, (quality, subsampling, progressive, grey) in enumerate(WHOLE):
                options = {} if grey else {"subsampling": subsampling}
                image = picture.convert("L") if grey else picture
                image.save(folder / f"{i}-{j}.jpg", quality=quality, progressive=progressive, **options)
            for j, size in enumerate(SMALL):
                image = picture.resize(size, Image.LANCZOS)
                quality = (10, 50, 80, 95, 98)[j]
                image.save(folder / f"{i}-s{j}.jpg", quality=quality, progressive=(i + j) % 2 == 1, subsampling=j % 3)
        for path in folder.glob("*.jpg"):
            decode(path)
        command = [sys.argv[1], "hash", "-q", "--kind", "pdq", name]
        lines = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
        hashes = {pathlib.Path(line["path"]): line for line in map(json.loads, lines)}
        bits, large = [], 0
        for path, line in hashes.items():
            if path.suffix == ".jpg":
                other = hashes[path.with_suffix(".pgm")]
                bits.append((int(line["pdq"], 16) ^ int(other["pdq"], 16)).bit_count())
                large += line["width"] * line["height"] > 6_000_000
    bits.sort()
    print(
        f"{len(bits)} files, {large} of them above 6 MP: {sum(b > 0 for b in bits)} differ, "
        f"p95 {bits[len(bits) * 95 // 100]}, at most {bits[-1]} bits"
    )


if __name__ == "__main__":
    main()
