#!/usr/bin/env python3
"""Writes the image files of this folder and expected.json.

PNG files are put together by hand, chunk by chunk, so what they must decode to is known without a
decoder; Pillow only confirms it where it supports the format. JPEG files are written and read by
Pillow (another build of libjpeg-turbo), so they are compared with a tolerance. Transforms are
computed in exact whole numbers.

    pip install pillow && python3 make_images.py
"""

import json
import os
import random
import struct
import zlib
from io import BytesIO

import PIL
from PIL import Image, ImageChops, ImageOps

FOLDER = os.path.dirname(os.path.abspath(__file__))
random.seed(20260711)
expected = {"tool": f"Pillow {PIL.__version__}", "images": {}, "transforms": []}

# --- PNG -------------------------------------------------------------------------------------

WIDTH, HEIGHT = 11, 9
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(
        ">I", zlib.crc32(name + body))


def pack_row(row, depth):
    """Samples of one row as bytes."""
    if depth == 16:
        return b"".join(struct.pack(">H", v) for v in row)
    if depth == 8:
        return bytes(row)
    out, bits, filled = bytearray(), 0, 0
    for value in row:
        bits, filled = bits << depth | value, filled + depth
        if filled == 8:
            out.append(bits)
            bits, filled = 0, 0
    if filled:
        out.append(bits << (8 - filled))
    return bytes(out)


def filtered(rows, step):
    """Each row with a filter of its own, 0 to 4 in turn."""
    previous, out = bytes(len(rows[0])), b""
    for index, row in enumerate(rows):
        kind = index % 5
        line = bytearray()
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b = previous[i]
            c = previous[i - step] if i >= step else 0
            if kind == 4:
                p = a + b - c
                guess = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            else:
                guess = [0, a, b, (a + b) // 2][kind]
            line.append((value - guess) & 255)
        out += bytes([kind]) + bytes(line)
        previous = row
    return out


def png(samples, kind, depth, per_pixel, interlaced=False, extra=b""):
    """samples[y][x] is a tuple of per_pixel numbers."""
    step = max(1, per_pixel * depth // 8)

    def encode(pixels):
        return filtered([pack_row([v for p in row for v in p], depth) for row in pixels], step)

    if interlaced:
        data = b""
        for x0, y0, dx, dy in ADAM7:
            part = [row[x0::dx] for row in samples[y0::dy]]
            if part and part[0]:
                data += encode(part)
    else:
        data = encode(samples)
    header = struct.pack(">IIBBBBB", len(samples[0]), len(samples), depth, kind, 0, 0,
                         int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra +
            chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b""))


def picture(per_pixel, depth):
    """A gradient with noise, so that every filter and every bit matters."""
    top = (1 << depth) - 1
    return [[tuple(
        min(top, max(0, int(top * ((x * (c + 1) + 2 * y) % 17) / 16 + random.uniform(-.1, .1) * top)))
        for c in range(per_pixel)) for x in range(WIDTH)] for y in range(HEIGHT)]


def record(name, data, samples, bits, orientation=1, tolerance=0):
    channels = len(samples[0][0])
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)
    expected["images"][name] = {
        "height": len(samples), "width": len(samples[0]), "channels": channels, "bits": bits,
        "orientation": orientation, "tolerance": tolerance,
        "samples": [v for row in samples for p in row for v in p]}
    return samples


def check_with_pillow(data, samples):
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[len(samples[0][0])]
    read = Image.open(BytesIO(data)).convert(mode)
    flat = [p if isinstance(p, tuple) else (p,) for p in read.getdata()]
    assert flat == [p for row in samples for p in row], mode


def grey():
    for depth in (1, 2, 4, 8, 16):
        for interlaced in (False, True):
            samples = picture(1, depth)
            data = png(samples, 0, depth, 1, interlaced)
            scale = 255 // ((1 << depth) - 1) if depth < 8 else 1
            decoded = [[(p[0] * scale,) for p in row] for row in samples]
            if depth <= 8:
                check_with_pillow(data, decoded)
            suffix = "-interlaced" if interlaced else ""
            record(f"grey{depth}{suffix}.png", data, decoded, max(8, depth))
    for depth in (2, 16):  # one grey value is transparent
        samples = picture(1, depth)
        key = samples[4][4][0]
        top = (1 << depth) - 1
        scale = 85 if depth == 2 else 1
        data = png(samples, 0, depth, 1, extra=chunk(b"tRNS", struct.pack(">H", key)))
        decoded = [[(p[0] * scale, 0 if p[0] == key else (255 if depth < 16 else top))
                    for p in row] for row in samples]
        record(f"grey{depth}-transparent.png", data, decoded, max(8, depth))


def colour():
    for kind, per_pixel, word in ((4, 2, "grey-alpha"), (2, 3, "rgb"), (6, 4, "rgba")):
        for depth in (8, 16):
            for interlaced in (False, True):
                samples = picture(per_pixel, depth)
                data = png(samples, kind, depth, per_pixel, interlaced)
                if depth == 8:
                    check_with_pillow(data, samples)
                suffix = "-interlaced" if interlaced else ""
                record(f"{word}{depth}{suffix}.png", data, samples, depth)
    samples = picture(3, 8)
    key = samples[2][3]
    data = png(samples, 2, 8, 3, extra=chunk(b"tRNS", struct.pack(">HHH", *key)))
    record("rgb8-transparent.png", data,
           [[p + (0 if p == key else 255,) for p in row] for row in samples], 8)


def palette():
    for depth in (1, 2, 4, 8):
        size = min(1 << depth, 200)
        colours = [tuple(random.randrange(256) for _ in range(3)) for _ in range(size)]
        alphas = [random.randrange(256) for _ in range(size // 2)]
        samples = [[(random.randrange(size),) for _ in range(WIDTH)] for _ in range(HEIGHT)]
        plte = chunk(b"PLTE", b"".join(bytes(c) for c in colours))
        data = png(samples, 3, depth, 1, extra=plte)
        decoded = [[colours[p[0]] for p in row] for row in samples]
        check_with_pillow(data, decoded)
        record(f"palette{depth}.png", data, decoded, 8)
        data = png(samples, 3, depth, 1, interlaced=True, extra=plte + chunk(b"tRNS", bytes(alphas)))
        full = alphas + [255] * (size - len(alphas))
        record(f"palette{depth}-transparent-interlaced.png", data,
               [[colours[p[0]] + (full[p[0]],) for p in row] for row in samples], 8)


def exif_block(orientation, little):
    order = "<" if little else ">"
    head = (b"II" if little else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def oriented_png():
    samples = picture(1, 8)
    data = png(samples, 0, 8, 1, extra=chunk(b"eXIf", exif_block(6, False)))
    record("grey8-exif.png", data, samples, 8, orientation=6)


# --- JPEG ------------------------------------------------------------------------------------

def smooth(mode, width=33, height=21):
    """JPEG is made for smooth pictures; noise would only measure its losses."""
    bands = []
    for c in range(len(mode.replace("L", "1"))):
        bands.append([int(127 + 100 * ((x * (c + 2) + y * (3 - c) * 1.5) % 60 - 30) / 30)
                      for y in range(height) for x in range(width)])
    image = Image.new(mode, (width, height))
    image.putdata(bands[0] if len(bands) == 1 else list(zip(*bands)))
    return image


def save(image, **options):
    out = BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def reference(data, mode):
    return rows(Image.open(BytesIO(data)).convert(mode))


def rows(image):
    values = [p if isinstance(p, tuple) else (p,) for p in image.getdata()]
    return [values[y * image.width:(y + 1) * image.width] for y in range(image.height)]


def without_adobe(data):
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + struct.unpack(">H", data[start + 2:start + 4])[0]:]


def jpeg():
    cases = {
        "jpeg-grey": (smooth("L"), {}, "L"),
        "jpeg-grey-progressive": (smooth("L"), {"progressive": True}, "L"),
        "jpeg-444": (smooth("RGB"), {"subsampling": 0, "quality": 92}, "RGB"),
        "jpeg-420": (smooth("RGB"), {"subsampling": 2}, "RGB"),
        "jpeg-422-optimised": (smooth("RGB"), {"subsampling": 1, "optimize": True}, "RGB"),
        "jpeg-progressive": (smooth("RGB"), {"progressive": True}, "RGB"),
        "jpeg-restarts": (smooth("RGB"), {"restart_marker_blocks": 1}, "RGB"),
        "jpeg-rgb": (smooth("RGB"), {"keep_rgb": True}, "RGB"),
        "jpeg-cmyk": (smooth("CMYK"), {"quality": 92}, "RGB"),
    }
    for name, (image, options, mode) in cases.items():
        data = save(image, **options)
        record(name + ".jpg", data, reference(data, mode), 8, tolerance=2)
    cmyk = save(smooth("CMYK"), quality=92)
    # Without Adobe's marker the numbers are ink as they stand; Pillow inverts them all the same.
    data = without_adobe(cmyk)
    ink = ImageChops.invert(Image.open(BytesIO(data)))
    record("jpeg-cmyk-plain.jpg", data, rows(ink.convert("RGB")), 8, tolerance=2)
    place = cmyk.index(b"Adobe") + 11  # the transform byte: 2 says YCCK
    data = cmyk[:place] + b"\x02" + cmyk[place + 1:]
    record("jpeg-ycck.jpg", data, reference(data, "RGB"), 8, tolerance=2)


def oriented_jpeg():
    for orientation in range(1, 9):
        block = b"Exif\0\0" + exif_block(orientation, orientation % 2 == 0)
        data = save(smooth("L", 20, 12), exif=block, quality=95)
        stored = reference(data, "L")
        record(f"jpeg-exif{orientation}.jpg", data, stored, 8, orientation=orientation, tolerance=2)
        upright = ImageOps.exif_transpose(Image.open(BytesIO(data)))
        expected["transforms"].append({
            "image": f"jpeg-exif{orientation}.jpg", "height": upright.height,
            "width": upright.width, "channels": "grey", "fit": "centreCrop", "tolerance": 2,
            "pixels": list(upright.getdata())})


# --- Transforms, in exact whole numbers ------------------------------------------------------

def transform(name, height, width, channels, fit):
    image = expected["images"][name]
    assert image["orientation"] == 1 and image["tolerance"] == 0
    source_height, source_width, count = image["height"], image["width"], image["channels"]
    top = (1 << image["bits"]) - 1
    numbers = image["samples"]

    def pixel(y, x):
        p = numbers[(y * source_width + x) * count:][:count]
        light = list(p[:3]) if count >= 3 else [p[0]]
        if count in (2, 4):
            light = [v * p[-1] + top * (top - p[-1]) for v in light]
        if channels == "grey":
            return [19595 * light[0] + 38470 * light[1] + 7471 * light[2]] if count >= 3 else light
        return light if count >= 3 else light * 3

    unit = (top // 255) * (top if count in (2, 4) else 1)
    if channels == "grey" and count >= 3:
        unit *= 65536
    crop_height, crop_width = source_height, source_width
    if fit == "centreCrop":
        if source_width * height > source_height * width:
            crop_width = max(1, (source_height * width + height // 2) // height)
        else:
            crop_height = max(1, (source_width * height + width // 2) // width)
    y0, x0 = (source_height - crop_height) // 2, (source_width - crop_width) // 2

    def overlap(i, count_in, o, count_out):
        return max(0, min((i + 1) * count_out, (o + 1) * count_in) - max(i * count_out, o * count_in))

    result = []
    for v in range(height):
        for u in range(width):
            for c in range(1 if channels == "grey" else 3):
                total = sum(
                    overlap(y, crop_height, v, height) * overlap(x, crop_width, u, width) *
                    pixel(y0 + y, x0 + x)[c]
                    for y in range(crop_height) for x in range(crop_width))
                area = crop_height * crop_width * unit
                result.append((2 * total + area) // (2 * area))  # halves upwards
    expected["transforms"].append({
        "image": name, "height": height, "width": width, "channels": channels, "fit": fit,
        "tolerance": 0, "pixels": result})


def transforms():
    names = ["grey8.png", "grey16.png", "grey-alpha8.png", "grey-alpha16.png", "rgb8.png",
             "rgb16.png", "rgba8.png", "rgba16.png", "palette4.png", "grey1.png"]
    for name in names:
        for channels in ("grey", "rgb"):
            transform(name, HEIGHT, WIDTH, channels, "centreCrop")
            transform(name, 4, 4, channels, "centreCrop")
            transform(name, 5, 3, channels, "stretch")
    for height, width in ((1, 1), (3, 11), (9, 2), (14, 14), (20, 25), (27, 33)):
        for fit in ("centreCrop", "stretch"):
            transform("rgb8.png", height, width, "rgb", fit)


grey()
colour()
palette()
oriented_png()
jpeg()
oriented_jpeg()
transforms()
with open(os.path.join(FOLDER, "expected.json"), "w") as file:
    json.dump(expected, file, separators=(",", ":"))
    file.write("\n")
