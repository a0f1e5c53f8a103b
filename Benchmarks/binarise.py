#!/usr/bin/env python3
"""Makes black-and-white images of grey ones: each pixel is white with its brightness as probability.

    python -m venv peers && peers/bin/pip install numpy pillow
    peers/bin/python Benchmarks/binarise.py mnist-png/train binarised/train

Likelihoods of binarised MNIST are published for images drawn in this way once for all (Salakhutdinov
and Murray 2008). The same seed gives the same images. All images go into one folder, because those
models know no classes: a model that is told the class of an image has an easier task.
Where a paper draws its training images anew for each epoch (dynamic binarisation, as in arXiv 1509.00519), `--copies`
draws several images of each.
"""
import argparse
from pathlib import Path

import numpy
from PIL import Image


def binarised(path, generator):
    """The image at `path`, each pixel drawn black or white."""
    brightness = numpy.asarray(Image.open(path).convert("L"), dtype=numpy.float64) / 255
    white = generator.random(brightness.shape) < brightness
    return Image.fromarray(numpy.where(white, 255, 0).astype(numpy.uint8))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="a folder of PNG images, in folders of classes or not")
    parser.add_argument("output", type=Path, help="where the new images go")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", type=int, default=1, help="how many images to draw of each one")
    options = parser.parse_args()

    paths = sorted(options.images.rglob("*.png"))
    if not paths:
        parser.error(f"there is no PNG image in {options.images}")
    folder = options.output / "all"
    folder.mkdir(parents=True, exist_ok=True)
    generator = numpy.random.default_rng(options.seed)
    for number, path in enumerate(paths * options.copies):
        binarised(path, generator).save(folder / f"{number:05}.png")
    print(f"{len(paths) * options.copies} images in {folder}")


if __name__ == "__main__":
    main()
