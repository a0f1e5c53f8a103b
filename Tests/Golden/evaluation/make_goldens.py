"""Makes the golden files of the evaluation tests with numpy, scipy and prdc.

Run: python3 -m venv V && V/bin/pip install numpy scipy prdc && V/bin/python make_goldens.py
Writes beside itself: features.csv (two stored feature sets), fidelity.csv (what independent
implementations say about them), probability.csv (quantiles and intervals), scattering.csv (wavelet
scattering of small images by its definition), spectrum.csv (radial power), audit.csv (bounds from
canaries), ranking.csv (areas under curves).
"""

import csv
import importlib.metadata
import pathlib
import sys

import numpy
import prdc
import scipy
from scipy import linalg, signal, stats

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


def test_image(channels):
    """The image that the tests draw too: bytes from a formula."""
    rows, columns = numpy.mgrid[0:16, 0:13]
    planes = [
        (rows * rows * (3 + c) + 7 * columns * (c + 1) + 5 * rows * columns) % 256
        for c in range(channels)
    ]
    return numpy.stack(planes, axis=2).astype(float)


def morlet(scale, angle, radius):
    """A complex Morlet wavelet whose values sum to zero."""
    y, x = numpy.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)
    along = numpy.cos(angle) * x + numpy.sin(angle) * y
    across = -numpy.sin(angle) * x + numpy.cos(angle) * y
    deviation, frequency = 0.8 * 2**scale, 3 * numpy.pi / 4 / 2**scale
    envelope = numpy.exp(-(along**2 + across**2 / 4) / (2 * deviation**2))
    wave = numpy.exp(1j * frequency * along)
    mean = (envelope * wave).sum() / envelope.sum()
    return envelope * (wave - mean) / envelope.sum()


def modulus(plane, kernel, step):
    """|plane * kernel| with mirrored edges, every step-th position."""
    radius = kernel.shape[0] // 2
    padded = numpy.pad(plane, radius, mode="reflect")
    real = signal.correlate2d(padded, kernel.real, mode="valid")
    imaginary = signal.correlate2d(padded, kernel.imag, mode="valid")
    return numpy.hypot(real, imaginary)[::step, ::step]


def scattering(plane):
    """Means, then standard deviations, of the 81 paths of one channel."""
    angles = [numpy.pi * i / 8 for i in range(8)]
    fine = [morlet(0, a, 4) for a in angles]
    coarse = [morlet(1, a, 7) for a in angles]
    first = [modulus(plane, kernel, 1) for kernel in fine]
    paths = [plane] + first + [modulus(plane, kernel, 2) for kernel in coarse]
    paths += [modulus(u, kernel, 2) for u in first for kernel in coarse]
    return [p.mean() for p in paths] + [p.std() for p in paths]


def spectrum(plane):
    """Mean power at each whole radius."""
    height, width = plane.shape
    power = numpy.abs(numpy.fft.rfft2(plane)) ** 2 / (height * width)
    y = numpy.fft.fftfreq(height, 1 / height)[:, None]
    x = numpy.arange(width // 2 + 1)[None, :]
    # The nearest whole number, halves up.
    radius = numpy.floor(numpy.hypot(y, x) + 0.5).astype(int)
    return [power[radius == r].mean() for r in range(1, min(height, width) // 2 + 1)]


def audit_probability(canaries, guesses, right, epsilon, delta):
    """Theorem 5.2 of arXiv 2305.08846, written from the paper's pseudo-code."""
    success = 1 / (1 + numpy.exp(-epsilon))
    beta = stats.binom.sf(right - 1, guesses, success)
    alpha, total = 0.0, 0.0
    for i in range(1, right + 1):
        total += stats.binom.pmf(right - i, guesses, success)
        alpha = max(alpha, total / i)
    return float(min(1, beta + alpha * delta * 2 * canaries))


def delong(members, others):
    """Area under the curve and its standard error from all pairs."""
    wins = (members[:, None] > others[None, :]) + 0.5 * (members[:, None] == others[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / len(members)
    variance += wins.mean(axis=0).var(ddof=1) / len(others)
    return float(wins.mean()), float(numpy.sqrt(variance))


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

    rows = []
    for channels in [1, 3]:
        image = test_image(channels) * 16 / 255
        values = [v for c in range(channels) for v in scattering(image[:, :, c])]
        rows += [[channels, i, float(v)] for i, v in enumerate(values)]
    write("scattering.csv", ["channels", "index", "value"], rows)

    image = test_image(3).mean(axis=2) / 255
    write("spectrum.csv", ["radius", "power"], list(enumerate(spectrum(image), start=1)))

    rows = [
        [m, r, v, e, d, audit_probability(m, r, v, e, d)]
        for m, r, v, e, d in [
            (1000, 1000, 700, 0.5, 1e-5),
            (1000, 100, 90, 2.0, 1e-5),
            (100, 50, 40, 0.0, 0.0),
            (64, 64, 60, 3.0, 1e-3),
        ]
    ]
    write("audit.csv", ["canaries", "guesses", "right", "epsilon", "delta", "probability"], rows)

    members = numpy.floor(generator.normal(0.6, 1, 80) * 8) / 8
    others = numpy.floor(generator.normal(0.0, 1, 60) * 8) / 8
    area, error = delong(members, others)
    rows = [["member", v] for v in members.tolist()] + [["other", v] for v in others.tolist()]
    write("ranking.csv", ["kind", "score"], rows + [["area", area], ["error", error]])


if __name__ == "__main__":
    main()
