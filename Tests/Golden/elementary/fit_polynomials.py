"""Prints the polynomials of CKernels/body/elementary.h and noise.h with their errors.

Each is the interpolant at Chebyshev points of a smooth function, within a small factor of the best
polynomial of its degree. Needs mpmath (1.3 was used). Run: python3 fit_polynomials.py
"""
from mpmath import mp, mpf, cos, pi, matrix, lu_solve, exp, tanh, log, sin, sqrt

mp.dps = 50


def fit(function, low, high, degree):
    low, high = mpf(low), mpf(high)
    nodes = [
        (low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * degree + 2))
        for i in range(degree + 1)
    ]
    rows = matrix([[x**k for k in range(degree + 1)] for x in nodes])
    return list(lu_solve(rows, matrix([function(x) for x in nodes])))


def evaluate(coefficients, x):
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def show(name, coefficients, rounding, whole, truth, low, high):
    rounded = [mpf(rounding(c)) for c in coefficients]
    worst = mpf(0)
    for i in range(1, 2001):
        x = mpf(low) + (mpf(high) - mpf(low)) * i / 2001
        value = truth(x)
        if value != 0:
            worst = max(worst, abs(whole(rounded, x) / value - 1))
    print(name, "relative error", mp.nstr(worst, 3))
    for c in coefficients:
        print("   ", repr(rounding(c)))


def single(x):
    import numpy

    return float(numpy.float32(float(x)))


half = log(2) / 2
c = fit(lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > mpf(10) ** -15 else mpf(1) / 2, -half, half, 4)
show("exp(r) = 1 + r + r^2 P(r)", c, single,
     lambda c, r: 1 + r + r * r * evaluate(c, r), exp, -half, half)

limit = mpf("0.625")
c = fit(lambda z: (tanh(sqrt(z)) - sqrt(z)) / (sqrt(z) * z), mpf(10) ** -20, limit**2, 4)
show("tanh(x) = x + x z P(z), z = x^2", c, single,
     lambda c, x: x + x**3 * evaluate(c, x * x), tanh, 0, limit)

top = ((sqrt(2) - 1) / (sqrt(2) + 1))
c = fit(lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) - 2 * sqrt(z)) / (sqrt(z) * z),
        mpf(10) ** -30, top**2, 6)
show("log((1+s)/(1-s)) = 2 s + s z P(z), z = s^2", c, float,
     lambda c, s: 2 * s + s**3 * evaluate(c, s * s), lambda s: log((1 + s) / (1 - s)), 0, top)

c = fit(lambda z: sin(sqrt(z) * pi / 2) / sqrt(z), mpf(10) ** -30, mpf("0.25"), 7)
show("sin(pi f / 2) = f P(z), z = f^2", c, float,
     lambda c, f: f * evaluate(c, f * f), lambda f: sin(f * pi / 2), 0, "0.5")
c = fit(lambda z: cos(sqrt(z) * pi / 2), mpf(10) ** -30, mpf("0.25"), 7)
show("cos(pi f / 2) = P(z), z = f^2", c, float,
     lambda c, f: evaluate(c, f * f), lambda f: cos(f * pi / 2), 0, "0.5")
