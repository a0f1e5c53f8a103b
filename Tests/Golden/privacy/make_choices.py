#!/usr/bin/env python3
"""Writes dp_choices.csv and dp_choice_rdp.csv: the cost of choices with the exponential mechanism, without the package.

A choice of epsilon e is known only by its hockey-stick profile, with a = exp(-e):

    H(g) = (1 - sqrt(g a))^2 / (1 - a)  for g from a to 1/a;  1 - g below, 0 above.

Three checks of that profile run first, and stop the script if one fails: random exponential mechanisms never exceed
it; two-point mechanisms reach it; the loss distribution that follows from it has the profile again.

dp_choices.csv: `times` choices, and `gaussians` releases with Gaussian noise of multiplier `sigma` (0 for none). The
loss is put on a fine grid twice, every loss rounded down and up, and convolved by FFT: the epsilon at `delta` lies
between `low` and `high`. `single` is the epsilon of the composition in which one t, the worst, serves every choice
(exact binomial sums; Dong, Durfee and Rogers, arXiv 1909.13830), for rows without Gaussians.

dp_choice_rdp.csv: the largest Renyi divergence of one choice over all t, by 50-digit search (mpmath).
"""
import csv
import os

import mpmath as mp
import numpy as np
from scipy.stats import binom, norm

HERE = os.path.dirname(os.path.abspath(__file__))


def profile(g, e):
    a = np.exp(-e)
    inside = (1 - np.sqrt(np.minimum(g, 1 / a) * a)) ** 2 / (1 - a)
    return np.where(g <= a, 1 - g, np.where(g >= 1 / a, 0, inside))


def check_profile():
    random = np.random.default_rng(20261130)
    reached = 0.0
    for _ in range(20000):
        e = 10 ** random.uniform(-1.5, 1)
        count = random.integers(2, 9)
        scores = random.normal(size=count) * 10 ** random.uniform(-1, 1.5)
        changes = random.uniform(-1, 1, count)
        if random.random() < 0.5:
            changes = np.sign(changes)
        p, q = [np.exp(e * (s - s.max()) / 2) for s in (scores, scores + changes)]
        p, q = p / p.sum(), q / q.sum()
        for g in np.exp(np.linspace(-e, e, 21)):
            found, bound = np.maximum(p - g * q, 0).sum(), float(profile(g, e))
            assert found <= bound + 1e-14, (e, g, found, bound)
            if bound > 1e-6:
                reached = max(reached, found / bound)
    assert reached > 0.999999, reached
    for e in (0.1, 1, 5):
        a = np.exp(-e)
        for g in np.exp(np.linspace(-e, e, 41)[1:-1]):
            u = np.sqrt(g / a)
            q = (1 - u * a) / (u * (1 - a))
            assert abs(q * (u - g) - profile(g, e)) < 1e-13
        # E_P[1 - g e^-L] over L > ln g, by quadrature of the density (1/2) e^((l-e)/2) / (1-a).
        for l in np.linspace(-e, e, 9):
            value = mp.quad(lambda x: mp.e ** ((x - e) / 2) / 2 / (1 - a) * (1 - mp.e ** (l - x)), [l, e])
            assert abs(float(value) - profile(np.exp(l), e)) < 1e-12, (e, l)


def choice_masses(e, h):
    """P masses of the cells (i h, (i+1) h] that cover -e to e."""
    last = int(np.ceil(e / h))
    edges = np.clip(np.arange(-last, last + 1) * h, -e, e)
    above = -np.expm1((edges - e) / 2) / -np.expm1(-e)
    return -last, above[:-1] - above[1:]


def gaussian_masses(sigma, count, h):
    """The same for `count` releases of multiplier sigma: a normal loss of mean m and variance 2 m."""
    m = count / (2 * sigma * sigma)
    reach = 9 * np.sqrt(2 * m)
    first, end = int(np.floor((m - reach) / h)), int(np.ceil((m + reach) / h))
    edges = (np.arange(first, end + 1) * h - m) / np.sqrt(2 * m)
    return first, np.diff(norm.cdf(edges))


def composed(terms, h):
    """(lowest index, masses) of the sum of all terms' lower ends."""
    first = sum(times * start for (start, _), times in terms)
    width = 1 + sum(times * (len(masses) - 1) for (_, masses), times in terms)
    size = 1 << int(np.ceil(np.log2(width)))
    spectrum = np.ones(size // 2 + 1, complex)
    for (_, masses), times in terms:
        spectrum = spectrum * np.fft.rfft(masses, size) ** times
    return first, np.fft.irfft(spectrum, size)[:width]


def delta_at(epsilon, losses, masses):
    over = losses > epsilon
    return float(np.sum(masses[over] * -np.expm1(epsilon - losses[over])))


def solve(delta, function, high):
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) > delta:
            low = middle
        else:
            high = middle
    return high


def single(e, times, delta):
    counts = np.arange(times + 1)
    best = 0.0
    for t in np.linspace(0, e, 401)[1:-1]:
        p = -np.expm1(t - e) / -np.expm1(-e)
        losses = counts * t + (times - counts) * (t - e)
        masses = binom.pmf(counts, times, p)
        best = max(best, solve(delta, lambda x: delta_at(x, losses, masses), times * e))
    return best


def rows():
    cases = [(e, n, 0.0, 0, d) for e, n in
             ((0.02, 200), (0.1, 1), (0.1, 12), (0.3, 20), (1, 1), (1, 5), (1, 40), (3, 2), (8, 3))
             for d in (1e-3, 1e-6)]
    cases += [(0.1, 12, 6.666666666666667, 12, 1e-5), (0.25, 30, 3.0, 31, 1e-6), (0.05, 100, 20.0, 100, 1e-6)]
    for e, times, sigma, gaussians, delta in cases:
        h = min(e / 200, 5e-5 * max(1, e * np.sqrt(times)) / times)
        terms = [(choice_masses(e, h), times)]
        if gaussians:
            terms.append((gaussian_masses(sigma, gaussians, h), 1))
        first, masses = composed(terms, h)
        losses = (first + np.arange(len(masses))) * h
        up = (times + (1 if gaussians else 0)) * h
        top = float(losses[-1] + up)
        low = solve(delta, lambda x: delta_at(x, losses, masses), top)
        high = solve(delta, lambda x: delta_at(x, losses + up, masses), top)
        one = 0.0 if gaussians else single(e, times, delta)
        yield e, times, sigma, gaussians, delta, low, high, one


def divergence(e, order):
    e, order = mp.mpf(e), mp.mpf(order)

    def value(t):
        p = (1 - mp.e ** (t - e)) / (1 - mp.e ** -e)
        return mp.log(p * mp.e ** ((order - 1) * t) + (1 - p) * mp.e ** ((order - 1) * (t - e))) / (order - 1)

    low, high = mp.mpf(0), e
    ratio = (mp.sqrt(5) - 1) / 2
    for _ in range(300):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if value(left) < value(right):
            low = left
        else:
            high = right
    return value((low + high) / 2)


def main():
    check_profile()
    with open(os.path.join(HERE, "dp_choices.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["epsilon", "times", "sigma", "gaussians", "delta", "low", "high", "single"])
        for row in rows():
            writer.writerow([*row[:5], *(f"{x:.10g}" for x in row[5:])])
    mp.mp.dps = 50
    with open(os.path.join(HERE, "dp_choice_rdp.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["epsilon", "order", "rdp"])
        for e in ("1e-6", "0.001", "0.05", "0.3", "1", "4", "20", "100"):
            for order in ("1.1", "1.5", "2", "8", "63", "1024"):
                writer.writerow([e, order, mp.nstr(divergence(e, order), 17)])


main()
