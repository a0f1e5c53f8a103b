"""Writes ICC profiles byte by byte (ICC.1:2001-04), so that no third party's profile is needed."""

import math
import struct

D50 = (0.9642, 1.0, 0.8249)


def s15(value):
    return struct.pack(">i", round(value * 65536))


def xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in values)


def gamma_curve(exponent):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))


def sampled_curve(function, count=1024):
    return b"curv\0\0\0\0" + struct.pack(">I", count) + b"".join(
        struct.pack(">H", round(65535 * function(i / (count - 1)))) for i in range(count))


def srgb_light(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def text(words):
    return b"text\0\0\0\0" + words.encode() + b"\0"


def description(words):
    data = words.encode() + b"\0"
    return (b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + struct.pack(">II", 0, 0) +
            struct.pack(">HB", 0, 0) + bytes(67))


def profile(kind, space, pcs, tags):
    tags = [(b"desc", description("made for a test")), (b"cprt", text("none")),
            (b"wtpt", xyz(D50))] + tags
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    head = (struct.pack(">I", size) + bytes(4) + struct.pack(">I", 0x02400000) + kind + space + pcs +
            struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(24) + struct.pack(">I", 0) +
            b"".join(s15(v) for v in D50))
    return head.ljust(128, b"\0") + table + body


def rgb(primaries, curve):
    """`primaries`: the columns of the matrix to XYZ, adapted to D50."""
    tags = [(name, xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey(curve):
    return profile(b"mntr", b"GRAY", b"XYZ ", [(b"kTRC", curve)])


SRGB = rgb([(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)],
           sampled_curve(srgb_light))
ADOBE_RGB = rgb([(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087),
                 (0.14919, 0.06322, 0.74457)], gamma_curve(563 / 256))
DISPLAY_P3 = rgb([(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189),
                  (0.15710, 0.06657, 0.78407)], sampled_curve(srgb_light))
GREY_18 = grey(gamma_curve(1.8))
GREY_LINEAR = grey(gamma_curve(1.0))
GREY_SRGB = grey(sampled_curve(srgb_light))


def lab(x, y, z):
    def f(t):
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116
    fx, fy, fz = (f(v / w) for v, w in zip((x, y, z), D50))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def cmyk(steps=9):
    """Inks with dot gain and impure colours, as a look-up table from CMYK to Lab (lut16Type)."""
    inks = [(0.10, 0.16, 0.52), (0.31, 0.16, 0.11), (0.68, 0.74, 0.08), (0.02, 0.02, 0.02)]
    grid = []
    for index in range(steps ** 4):
        amounts = [index // steps ** (3 - i) % steps / (steps - 1) for i in range(4)]
        light = list(D50)
        for amount, ink in zip(amounts, inks):
            covered = amount + 0.5 * amount * (1 - amount)
            light = [v * (1 - covered + covered * i / w) for v, i, w in zip(light, ink, D50)]
        l, a, b = lab(*light)
        # Lab of version 2: 0xff00 is 100, 0x8000 is 0.
        grid += [l * 652.8, a * 256 + 32768, b * 256 + 32768]
    grid = [min(65535, max(0, round(v))) for v in grid]
    line = struct.pack(">HH", 0, 65535)
    lut = (b"mft2\0\0\0\0" + bytes((4, 3, steps, 0)) +
           b"".join(s15(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)) + struct.pack(">HH", 2, 2) +
           line * 4 + struct.pack(f">{len(grid)}H", *grid) + line * 3)
    return profile(b"prtr", b"CMYK", b"Lab ", [(b"A2B0", lut)])
