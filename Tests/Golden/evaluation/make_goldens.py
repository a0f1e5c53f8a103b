"""Makes the golden files of the evaluation tests with numpy, scipy and prdc.

Run: python3 -m venv V && V/bin/pip install numpy scipy prdc && V/bin/python make_goldens.py
Writes beside itself: features.csv (two stored feature sets), fidelity.csv (what independent
implementations say about them), probability.csv (quantiles and intervals).
"""

import csv
import importlib.metadata
import pathlib
import sys

import numpy
import prdc
import scipy
from scipy import linalg, stats

FOLDER = pathlib.Path(__file__).parent
VERSIONS = (
    f"numpy {numpy.__version__}, scipy {scipy.__version__}, "
    f"python {sys.version.split()[0]}, prdc {importlib.metadata.version('prdc')}"
)


def make_features(generator):
    """Two overlapping clouds with correlated columns, stored with six digits."""
    mixing = generator.normal(size=(12, 12)) / 3
    real = generator.normal(size=(160, 12)) @ mixing + 2
    fake = generator.normal(size=(140, 12)) @ (mixing + generator.normal(size=(12, 12)) / 12) + 2.1
    fake[:20] = real[:20]
    return numpy.round(real, 6), numpy.round(fake, 6)


def frechet(first, second):
    """The usual formula with scipy's general matrix square root."""
    m1, m2 = first.mean(axis=0), second.mean(axis=0)
    c1, c2 = numpy.cov(first, rowvar=False), numpy.cov(second, rowvar=False)
    root = linalg.sqrtm(c1 @ c2).real
    return float(((m1 - m2) ** 2).sum() + numpy.trace(c1 + c2 - 2 * root))


def kernel_distance(first, second, block):
    """Unbiased squared MMD per block, mean and standard error."""
    values = []
    width = first.shape[1]
    for start in range(0, min(len(first), len(second)) // block * block, block):
        x, y = first[start : start + block], second[start : start + block]
        kernel = lambda a, b: (a @ b.T / width + 1) ** 3
        xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
        within = (xx.sum() - numpy.trace(xx) + yy.sum() - numpy.trace(yy)) / (block * (block - 1))
        values.append(within - 2 * xy.mean())
    values = numpy.array(values)
    return float(values.mean()), float(values.std(ddof=1) / numpy.sqrt(len(values)))


def write(name, header, rows):
    """One comment line with the versions, a header, then the rows."""
    with open(FOLDER / name, "w", newline="") as file:
        file.write(f"# {VERSIONS}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    generator = numpy.random.default_rng(20_240_611)
    real, fake = make_features(generator)
    write(
        "features.csv",
        ["set"] + [f"f{i}" for i in range(real.shape[1])],
        [["real", *row] for row in real.tolist()] + [["fake", *row] for row in fake.tolist()],
    )
    rows = [["frechet", frechet(real, fake)], ["frechet-small", frechet(real[:8], fake[:9])]]
    kid, error = kernel_distance(real, fake, 14)
    rows += [["kid", kid], ["kid-error", error]]
    k3 = prdc.compute_prdc(real, fake, nearest_k=3)
    k5 = prdc.compute_prdc(real, fake, nearest_k=5)
    rows += [["precision", k3["precision"]], ["recall", k3["recall"]]]
    rows += [["density", k5["density"]], ["coverage", k5["coverage"]]]
    eigenvalues = numpy.linalg.eigvalsh(numpy.cov(real, rowvar=False))
    rows += [[f"eigenvalue{i}", v] for i, v in enumerate(eigenvalues.tolist())]
    write("fidelity.csv", ["name", "value"], rows)

    rows = []
    for k, n in [(0, 10), (3, 10), (10, 10), (1, 1000), (937, 10000), (9950, 10000)]:
        interval = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
        rows.append(["clopper-pearson", k, n, interval.low, interval.high])
    for freedom in [1, 2, 4, 9, 100]:
        rows.append(["student", freedom, 0, stats.t.ppf(0.975, freedom), stats.t.ppf(0.9, freedom)])
    for a, b, x in [(2, 3, 0.4), (0.5, 0.5, 0.1), (50, 3, 0.97), (500, 700, 0.41)]:
        rows.append(["beta", a, b, x, stats.beta.cdf(x, a, b)])
    values = [0.91, 0.93, 0.925, 0.90]
    interval = stats.t.interval(0.95, 3, loc=numpy.mean(values), scale=stats.sem(values))
    rows.append(["mean", 0, 0, interval[0], interval[1]])
    write("probability.csv", ["kind", "a", "b", "first", "second"], rows)


if __name__ == "__main__":
    main()
