#!/usr/bin/env python3
"""Writes dp_odometer.csv: the cost of adaptively chosen mechanisms, computed without the package.

    epsilon = min over orders a of  rho(a) + ln((a-1)/a) - (ln(w*delta) + ln a)/(a-1)

rho(a) is steps times the Renyi divergence of one Poisson-sampled Gaussian at order a, by the binomial
sum at whole orders and by 40-digit quadrature between them (mpmath). Orders and shares w are written
here as DECISIONS.md has them. `minimum` is the same with w = 1, the minimum that a path chooses for
itself and that nothing proves: `eps` lies above it.

Rows with two noises are two kinds of events in one history (sigma2, steps2; 0 for none).
"""
import csv
import os

import mpmath as mp

mp.mp.dps = 40

SHARES = {mp.mpf(a): mp.mpf(1) / 16 for a in ("1.5", "1.7", 2, "2.5", 3, 4, 6, 8, 11, 15, 20, 28, 40)}
SHARES |= {mp.mpf(a): mp.mpf(1) / 64 for a in ("1.1", "1.2", 63, 128, 256, 512, 1024)}
assert sum(SHARES.values()) <= 1

ROWS = [
  (1, 4, 1, 0, 0, 1e-5), (1, 20, 1, 0, 0, 1e-5), (1, 1, 1, 1.5, 2, 1e-6), (1, 0.25, 1, 0, 0, 1e-5),
  (0.01, 1.1, 1500, 0, 0, 1e-5), (0.01, 1.1, 500, 1.3, 2000, 1e-5), (0.01, 2.6, 1000, 0, 0, 1e-5),
  (0.01, 0.6, 1000, 0, 0, 1e-5), (0.05, 1, 500, 0, 0, 1e-5), (0.2, 3, 100, 2, 40, 1e-4),
  (0.001, 1.1, 20000, 0, 0, 1e-6), (0.001, 0.5, 20000, 0, 0, 1e-6), (0.01, 0.42, 1000, 0, 0, 1e-5),
  (0.5, 40, 10, 0, 0, 1e-7), (0.01, 0.1, 1000, 0, 0, 1e-5), (1e-4, 20, 100, 0, 0, 1e-6),
]


def divergence(q, sigma, order):
  if q == 1:
    return order / (2 * sigma**2)
  if order == int(order):
    moment = mp.fsum(
      mp.binomial(int(order), k) * (1 - q) ** (int(order) - k) * q**k * mp.exp(mp.mpf(k * (k - 1)) / (2 * sigma**2))
      for k in range(int(order) + 1))
  else:
    def integrand(z):
      ratio = 1 - q + q * mp.exp((2 * z - 1) / (2 * sigma**2))
      return ratio**order * mp.exp(-z * z / (2 * sigma**2)) / (sigma * mp.sqrt(2 * mp.pi))
    # Where q·exp(…) is 1 the integrand bends; its mass lies about 0 and about the order.
    bend = sigma**2 * mp.log(1 / q) + mp.mpf(1) / 2
    ends = sorted({-30 * sigma, -3 * sigma, mp.mpf(0), 3 * sigma, bend - sigma, bend, bend + sigma, order - 3 * sigma,
                   order, order + 3 * sigma, order + 30 * sigma, bend + 30 * sigma})
    moment = mp.quad(integrand, [mp.ninf] + ends + [mp.inf])
  return mp.log(moment) / (order - 1)


def epsilon(total, order, share, delta):
  return total + mp.log((order - 1) / order) - (mp.log(share * delta) + mp.log(order)) / (order - 1)


def main():
  folder = os.path.dirname(os.path.abspath(__file__))
  with open(os.path.join(folder, "dp_odometer.csv"), "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["q", "sigma", "steps", "sigma2", "steps2", "delta", "eps", "order", "minimum"])
    for q, sigma, steps, sigma2, steps2, delta in ROWS:
      exact = {}
      for order, share in SHARES.items():
        total = steps * divergence(mp.mpf(str(q)), mp.mpf(str(sigma)), order)
        if steps2:
          total += steps2 * divergence(mp.mpf(str(q)), mp.mpf(str(sigma2)), order)
        exact[order] = (
          epsilon(total, order, share, mp.mpf(str(delta))), epsilon(total, order, 1, mp.mpf(str(delta))))
      best = min(exact, key=lambda order: exact[order][0])
      writer.writerow([q, sigma, steps, sigma2, steps2, delta, mp.nstr(max(exact[best][0], 0), 12),
                       mp.nstr(best, 5), mp.nstr(max(min(v[1] for v in exact.values()), 0), 12)])


if __name__ == "__main__":
  main()
