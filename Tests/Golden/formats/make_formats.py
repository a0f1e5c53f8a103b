#!/usr/bin/env python3
"""Writes the TIFF, WebP, BMP and PNM files of this folder and expected.json.

Most files are put together by hand, so what they must decode to is known without a decoder; Pillow
and tifffile confirm it where they read the kind. Compressed TIFFs are the plain ones rewritten by
tiffcp (libtiff-tools). What a lossy file must decode to, Pillow says (with its own libraries).

    pip install pillow tifffile numpy && apt install libtiff-tools && python3 make_formats.py
"""

import io
import json
import os
import random
import struct
import subprocess
import tempfile

import numpy as np
import PIL
import tifffile
from PIL import Image

FOLDER = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 11, 9
rng = np.random.default_rng(20261129)
random.seed(20261129)
expected = {"tool": f"Pillow {PIL.__version__}, tifffile {tifffile.__version__}", "images": {}}


def record(name, data, samples, bits=8, orientation=1, tolerance=0, has_more=False):
    samples = np.asarray(samples)
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)
    height, width, channels = samples.shape
    expected["images"][name] = {
        "height": height, "width": width, "channels": channels, "bits": bits,
        "orientation": orientation, "tolerance": tolerance, "hasMore": has_more,
        "samples": samples.astype(int).ravel().tolist()}


def picture(channels, bits, height=HEIGHT, width=WIDTH):
    """A gradient with noise, so that every bit matters."""
    top = (1 << bits) - 1
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    value = top * ((x * (c + 1) + 2 * y) % 17) / 16 + rng.uniform(-.1, .1, x.shape) * top
    return np.clip(value, 0, top).astype(np.uint32)


def scaled(samples, bits, top=None):
    """`bits` (or 0...top) to 8 or 16 bits, rounded."""
    top = top or (1 << bits) - 1
    full = 255 if top <= 255 else 65535
    return (samples.astype(np.uint64) * full + top // 2) // top


def check(data, samples, mode=None):
    """Pillow agrees with `samples`."""
    image = Image.open(io.BytesIO(data))
    found = np.asarray(image.convert(mode) if mode else image).astype(int)
    assert np.array_equal(found.reshape(np.asarray(samples).shape), samples), mode


# --- TIFF ------------------------------------------------------------------------------------

def pack(rows, bits, order, lsb_first=False):
    """Samples, rows × numbers, as bytes; each row begins a byte."""
    out = b""
    for row in rows:
        if bits == 16:
            out += b"".join(struct.pack(order + "H", int(v)) for v in row)
            continue
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        line = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        out += bytes(int(format(b, "08b")[::-1], 2) for b in line) if lsb_first else line
    return out


def tiff(samples, bits, photometric, order="<", big=False, tile=None, rows_per_strip=4,
         separate=False, extra=(), tags=(), pages=1, lsb_first=False):
    """A TIFF file. `tags`: (tag, type, values); `tile`: (height, width)."""
    height, width, channels = samples.shape
    planes = [samples[:, :, c:c + 1] for c in range(channels)] if separate else [samples]
    blocks = []
    for plane in planes:
        if tile:
            for y in range(0, height, tile[0]):
                for x in range(0, width, tile[1]):
                    block = np.zeros((tile[0], tile[1], plane.shape[2]), int)
                    part = plane[y:y + tile[0], x:x + tile[1]]
                    block[:part.shape[0], :part.shape[1]] = part
                    blocks.append(block)
        else:
            blocks += [plane[y:y + rows_per_strip] for y in range(0, height, rows_per_strip)]
    data = [pack(b.reshape(b.shape[0], -1), bits, order, lsb_first) for b in blocks]
    entries = [(256, 3, [width]), (257, 3, [height]), (258, 3, [bits] * channels), (259, 3, [1]),
               (262, 3, [photometric]), (277, 3, [channels]), (284, 3, [2 if separate else 1])]
    if extra:
        entries.append((338, 3, list(extra)))
    if lsb_first:
        entries.append((266, 3, [2]))
    entries += list(tags)
    if tile:
        entries += [(322, 3, [tile[1]]), (323, 3, [tile[0]])]
        places, sizes = 324, 325
    else:
        entries.append((278, 3, [rows_per_strip]))
        places, sizes = 273, 279
    codes = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}
    wide, kind = (8, 16) if big else (4, 4)
    out = struct.pack(order + "HHHHQ", 0, 43, 8, 0, 16) if big else struct.pack(
        order + "HHI", 0, 42, 8)
    out = (b"II" if order == "<" else b"MM") + out[2:]
    for page in range(pages):
        own = entries + [(places, kind, [0] * len(data)), (sizes, kind, [len(d) for d in data])]
        own.sort()
        start = len(out)
        values_at = start + (8 if big else 2) + len(own) * (20 if big else 12) + wide
        sizes_of = {t: struct.calcsize(codes[k]) * len(v) for t, k, v in own}
        cursor = values_at + sum(s + s % 2 for s in sizes_of.values() if s > wide)
        offsets = []
        for block in data:
            offsets.append(cursor)
            cursor += len(block) + len(block) % 2
        directory, values = struct.pack(order + ("Q" if big else "H"), len(own)), b""
        for tag, code, numbers in own:
            if tag == places:
                numbers = offsets
            body = struct.pack(f"{order}{len(numbers)}{codes[code]}", *numbers)
            directory += struct.pack(order + ("HHQ" if big else "HHI"), tag, code, len(numbers))
            if len(body) <= wide:
                directory += body.ljust(wide, b"\0")
            else:
                directory += struct.pack(order + ("Q" if big else "I"), values_at + len(values))
                values += body + b"\0" * (len(body) % 2)
        last = page == pages - 1
        directory += struct.pack(order + ("Q" if big else "I"), 0 if last else cursor)
        out += directory + values
        for block in data:
            out += block + b"\0" * (len(block) % 2)
    return out


def confirm(data, samples):
    """tifffile agrees with `samples` as stored."""
    page = tifffile.TiffFile(io.BytesIO(data)).pages[0]
    found = page.asarray()
    if page.planarconfig == 2 and found.ndim == 3:
        found = found.transpose(1, 2, 0)
    assert np.array_equal(found.reshape(samples.shape), samples)


def grey_tiffs():
    for bits in (1, 2, 4, 6, 8, 10, 12, 16):
        samples = picture(1, bits)
        for order in "<>":
            data = tiff(samples, bits, 1, order)
            if bits in (1, 8, 16):
                confirm(data, samples)
            record(f"grey{bits}-{'little' if order == '<' else 'big'}.tif", data,
                   scaled(samples, bits), 8 if bits <= 8 else 16)
    for bits in (1, 4, 8, 16):  # white is zero
        samples = picture(1, bits)
        record(f"white-is-zero{bits}.tif", tiff(samples, bits, 0),
               scaled((1 << bits) - 1 - samples, bits), 8 if bits <= 8 else 16)
    for bits in (8, 16):
        samples = picture(2, bits)
        record(f"grey-alpha{bits}.tif", tiff(samples, bits, 1, extra=[2]), samples, bits)
    samples = picture(1, 1)
    record("grey1-lsb-first.tif", tiff(samples, 1, 1, lsb_first=True), samples * 255)


def colour_tiffs():
    for bits in (8, 16):
        for channels, word, extra in ((3, "rgb", ()), (4, "rgba", [2])):
            samples = picture(channels, bits)
            for separate in (False, True):
                for tile in (None, (16, 16)):
                    data = tiff(samples, bits, 2, "><"[bits == 8], separate=separate, tile=tile,
                                extra=extra)
                    confirm(data, samples)
                    name = (f"{word}{bits}{'-separate' if separate else ''}"
                            f"{'-tiles' if tile else ''}.tif")
                    record(name, data, samples, bits)
        large = picture(3, bits, 37, 41)  # tiles that reach beyond both edges
        record(f"rgb{bits}-many-tiles.tif", tiff(large, bits, 2, tile=(16, 32)), large, bits)
        record(f"rgb{bits}-many-tiles-separate.tif",
               tiff(large, bits, 2, tile=(16, 32), separate=True), large, bits)
    samples = picture(3, 4)
    record("rgb4.tif", tiff(samples, 4, 2), scaled(samples, 4))
    samples = picture(4, 8)
    record("rgb8-fourth-unnamed.tif", tiff(samples, 8, 2), samples)
    record("rgb8-fourth-ignored.tif", tiff(samples, 8, 2, extra=[0]), samples[:, :, :3])
    for bits in (8, 16):
        samples = picture(4, bits)
        top = (1 << bits) - 1
        alpha = samples[:, :, 3:]
        product = (samples[:, :, :3].astype(np.uint64) * alpha + top // 2) // top
        stored = np.concatenate([product, alpha], 2)
        safe = np.maximum(alpha, 1).astype(np.uint64)
        colours = np.where(alpha == 0, 0, (product * top + safe // 2) // safe)
        record(f"rgba{bits}-associated.tif", tiff(stored, bits, 2, extra=[1]),
               np.concatenate([colours, alpha], 2), bits)
        ink = picture(4, bits)
        light = top - ink.astype(np.uint64)
        record(f"cmyk{bits}.tif", tiff(ink, bits, 5),
               (light[:, :, :3] * light[:, :, 3:] + top // 2) // top, bits)
    record("cmyk8-separate.tif", tiff(ink >> 8, 8, 5, separate=True),
           ((255 - (ink[:, :, :3] >> 8)) * (255 - (ink[:, :, 3:] >> 8)) + 127) // 255)


def palette_tiffs():
    for bits in (1, 2, 4, 8):
        colours = rng.integers(0, 256, (1 << bits, 3))
        samples = rng.integers(0, 1 << bits, (HEIGHT, WIDTH, 1))
        values = [int(v) * 257 for channel in colours.T for v in channel]
        data = tiff(samples, bits, 3, tags=[(320, 3, values)])
        check(data, colours[samples[:, :, 0]], "RGB")
        record(f"palette{bits}.tif", data, colours[samples[:, :, 0]])
    values = [int(v) for channel in colours.T for v in channel]  # a map of 8 bits
    record("palette8-old-map.tif", tiff(samples, 8, 3, tags=[(320, 3, values)]),
           colours[samples[:, :, 0]])


def other_tiffs():
    samples = picture(3, 16)
    for order in "<>":
        data = tiff(samples, 16, 2, order, big=True)
        confirm(data, samples)
        record(f"bigtiff-{'little' if order == '<' else 'big'}.tif", data, samples, 16)
    record("bigtiff-tiles.tif", tiff(samples, 16, 2, big=True, tile=(16, 16)), samples, 16)
    for orientation in range(1, 9):
        samples = picture(1, 8)
        data = tiff(samples, 8, 1, tags=[(274, 3, [orientation])])
        record(f"orientation{orientation}.tif", data, samples, orientation=orientation)
    samples = picture(1, 8)
    record("two-pages.tif", tiff(samples, 8, 1, pages=2), samples, has_more=True)
    record("page-and-thumbnail.tif", with_thumbnail(tiff(samples, 8, 1, pages=2)), samples)
    private = (60000, 7, list(range(200)))
    record("private-tag.tif", tiff(samples, 8, 1, tags=[private]), samples)
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    samples = picture(3, 8)
    record("rgb8-profile.tif", tiff(samples, 8, 2, tags=[(34675, 7, list(profile))]), samples)


def with_thumbnail(data):
    """The second directory's height tag becomes NewSubfileType: a reduced image."""
    first = struct.unpack("<H", data[8:10])[0]
    second = struct.unpack("<I", data[8 + 2 + first * 12:][:4])[0]
    count = struct.unpack("<H", data[second:second + 2])[0]
    for index in range(count):
        place = second + 2 + index * 12
        if struct.unpack("<H", data[place:place + 2])[0] == 284:
            return data[:place] + struct.pack("<HHII", 254, 4, 1, 1) + data[place + 12:]
    raise ValueError


def rewritten(data, *options):
    """The same image, written by tiffcp with other options."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = folder + "/a.tif", folder + "/b.tif"
        with open(source, "wb") as file:
            file.write(data)
        subprocess.run(["tiffcp", *options, source, result], check=True)
        with open(result, "rb") as file:
            return file.read()


def compressed_tiffs():
    kinds = {"grey8": (picture(1, 8), 8, 1), "grey16": (picture(1, 16), 16, 1),
             "rgb8": (picture(3, 8), 8, 2), "rgb16": (picture(3, 16), 16, 2)}
    for name, (samples, bits, photometric) in kinds.items():
        plain = tiff(samples, bits, photometric)
        for word, options in {
                "lzw": ["-c", "lzw"], "lzw-predictor": ["-c", "lzw:2"], "deflate": ["-c", "zip"],
                "deflate-predictor-tiles": ["-c", "zip:2", "-t", "-w", "16", "-l", "16"],
                "packbits": ["-c", "packbits"], "lzma": ["-c", "lzma"], "zstd": ["-c", "zstd:2"],
                "lerc": ["-c", "lerc"], "lzw-separate": ["-c", "lzw", "-p", "separate"],
        }.items():
            if word == "lzw-separate" and name != "rgb8":
                continue  # tiffcp separates bytes alone
            record(f"{name}-{word}.tif", rewritten(plain, *options), samples, bits)
    samples = picture(1, 1)
    for word in ("g3:1d", "g3:2d", "g3:fill", "g4"):
        data = rewritten(tiff(samples, 1, 0), "-c", word)
        record(f"fax-{word.replace(':', '-')}.tif", data, (1 - samples) * 255)
    samples = picture(1, 1)
    data = rewritten(tiff(samples, 1, 0), "-c", "g4", "-f", "lsb2msb")
    record("fax-g4-lsb-first.tif", data, (1 - samples) * 255)
    for channels, mode in ((3, "RGB"), (1, "L")):
        smooth = np.round(127 + 100 * np.sin(
            np.mgrid[0:21, 0:33, 0:channels].transpose(3, 1, 2, 0) @ [.2, .1, .7])).transpose(
                1, 2, 0).astype(np.uint8)
        image = Image.fromarray(smooth.squeeze())
        out = io.BytesIO()
        image.save(out, "TIFF", compression="jpeg", quality=92)
        reference = np.asarray(Image.open(io.BytesIO(out.getvalue())).convert(mode))
        record(f"jpeg-{mode.lower()}.tif", out.getvalue(), reference.reshape(21, 33, channels),
               tolerance=2)
    subsampled_tiff(smooth)


def subsampled_tiff(_):
    """YCbCr 4:2:0 without JPEG: all light values of four pixels, then their colour. Grey, and so
    exact: colour is the middle."""
    grey = picture(1, 8, 10, 12)
    body = b""
    for y in range(0, 10, 2):
        for x in range(0, 12, 2):
            block = grey[y:y + 2, x:x + 2, 0].ravel()
            body += bytes(int(v) for v in block) + b"\x80\x80"
    data = tiff(np.zeros((10, 12, 3), int), 8, 6, rows_per_strip=10, tags=[(530, 3, [2, 2])])
    place = len(data) - 360
    data = data[:place] + body
    at = data.index(struct.pack("<HHI", 279, 4, 1)) + 8
    data = data[:at] + struct.pack("<I", len(body)) + data[at + 4:]
    record("ycbcr-subsampled.tif", data, np.repeat(grey, 3, 2), tolerance=1)


# --- WebP ------------------------------------------------------------------------------------

def webp(samples, mode, **options):
    out = io.BytesIO()
    Image.fromarray(np.asarray(samples, np.uint8), mode).save(out, "WEBP", **options)
    return out.getvalue()


def riff(*chunks):
    body = b"WEBP"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def little24(value):
    return struct.pack("<I", value)[:3]


def frame(x, y, data):
    """An ANMF chunk of a simple WebP file."""
    image = Image.open(io.BytesIO(data))
    content = data[12:]
    if content[:4] == b"VP8X":
        content = content[18:]
    head = b"".join(map(little24, (x // 2, y // 2, image.width - 1, image.height - 1, 100)))
    return b"ANMF", head + b"\0" + content


def extended(flags, width, height):
    return b"VP8X", bytes([flags, 0, 0, 0]) + little24(width - 1) + little24(height - 1)


def webps():
    for channels, mode in ((3, "RGB"), (4, "RGBA")):
        samples = picture(channels, 8)
        data = webp(samples, mode, lossless=True, exact=True)
        check(data, samples, mode)
        record(f"{mode.lower()}-lossless.webp", data, samples)
        smooth = np.mgrid[0:21, 0:33].sum(0)[:, :, None] * np.arange(1, channels + 1) % 200 + 20
        data = webp(smooth, mode, quality=80)
        reference = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
        record(f"{mode.lower()}-lossy.webp", data, reference, tolerance=2)
    samples = picture(3, 8)
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    vp8l = webp(samples, "RGB", lossless=True)[12:]
    size = struct.unpack("<I", vp8l[4:8])[0]
    pixels = (b"VP8L", vp8l[8:8 + size])
    for name, block in (("exif", exif[6:]), ("exif-marked", exif)):
        data = riff(extended(8, WIDTH, HEIGHT), pixels, (b"EXIF", block))
        record(f"{name}.webp", data, samples, orientation=6)
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    record("profile.webp", webp(samples, "RGB", lossless=True, icc_profile=profile), samples)
    whole = frame(0, 0, webp(samples, "RGB", lossless=True))
    other = frame(2, 2, webp(picture(3, 8, 5, 7), "RGB", lossless=True))
    anim = b"ANIM", b"\0" * 6
    record("animated.webp", riff(extended(2, WIDTH, HEIGHT), anim, whole, other),
           np.concatenate([samples, np.full((HEIGHT, WIDTH, 1), 255)], 2), has_more=True)
    part = picture(4, 8, 5, 7)
    canvas = np.zeros((HEIGHT, WIDTH, 4), int)
    canvas[2:7, 4:11] = part
    first = frame(4, 2, webp(part, "RGBA", lossless=True, exact=True))
    record("animated-part.webp", riff(extended(0x12, WIDTH, HEIGHT), anim, first, whole), canvas,
           has_more=True)
    record("animated-once.webp", riff(extended(0x12, WIDTH, HEIGHT), anim, first), canvas)


# --- BMP -------------------------------------------------------------------------------------

def bmp(rows, bits, palette=b"", header=40, compression=0, masks=b"", colours=0, top_down=False,
        width=WIDTH, height=HEIGHT, tail=b""):
    """A BMP file; `rows` are its bytes from the first stored row."""
    if header == 12:
        body = struct.pack("<IHHHH", 12, width, height, 1, bits)
    elif header == 16:
        body = struct.pack("<IIIHH", 16, width, height, 1, bits)
    else:
        body = struct.pack("<IiiHHIIIIII", header, width, -height if top_down else height, 1, bits,
                           compression, len(rows), 2835, 2835, colours, 0)
        if header > 40:
            body += masks
            masks = b""
        body = body.ljust(header, b"\0")
    start = 14 + len(body) + len(masks) + len(palette)
    return (b"BM" + struct.pack("<IHHI", start + len(rows) + len(tail), 0, 0, start) + body + masks +
            palette + rows + tail)


def padded(lines):
    return b"".join(line + b"\0" * (-len(line) % 4) for line in lines)


def bmps():
    for bits in (1, 2, 4, 8):
        size = min(1 << bits, 200)
        colours = rng.integers(0, 256, (size, 3))
        index = rng.integers(0, size, (HEIGHT, WIDTH))
        lines = [pack([row], bits, "<") for row in index]
        quads = b"".join(bytes([b, g, r, 0]) for r, g, b in colours.tolist())
        triples = b"".join(bytes([b, g, r]) for r, g, b in colours.tolist())
        data = bmp(padded(lines[::-1]), bits, quads, colours=size)
        if bits != 2:
            check(data, colours[index], "RGB")
        record(f"palette{bits}.bmp", data, colours[index])
        record(f"palette{bits}-top-down.bmp",
               bmp(padded(lines), bits, quads, colours=size, top_down=True), colours[index])
        record(f"palette{bits}-os2.bmp", bmp(padded(lines[::-1]), bits, triples, header=12),
               colours[index])
        record(f"palette{bits}-os2-short.bmp", bmp(padded(lines[::-1]), bits, quads, header=16),
               colours[index])
        record(f"palette{bits}-os2-long.bmp",
               bmp(padded(lines[::-1]), bits, quads, header=64, colours=size), colours[index])
    run_lengths(colours, quads)
    samples = picture(3, 8)
    flat = samples[:, :, ::-1]
    lines = [bytes(row.ravel().tolist()) for row in flat]
    for header in (12, 16, 40, 52, 56, 64, 108, 124):
        data = bmp(padded(lines[::-1]), 24, header=header)
        if header not in (16, 52, 56):
            check(data, samples, "RGB")
        record(f"rgb24-header{header}.bmp", data, samples)
    record("rgb24-top-down.bmp", bmp(padded(lines), 24, top_down=True), samples)
    four = [b"".join(bytes(p) + b"\x77" for p in row.tolist()) for row in flat]
    record("rgb32.bmp", bmp(b"".join(four[::-1]), 32), samples)
    fields()
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    masks = struct.pack("<IIII", 0, 0, 0, 0) + b"DEBM" + b"\0" * 48 + struct.pack(
        "<IIII", 4, 124 + 9 * 36, len(profile), 0)
    record("rgb24-profile.bmp", bmp(padded(lines[::-1]), 24, header=124, masks=masks, tail=profile),
           samples)


def fields():
    """16 and 32 bits with masks."""
    for name, depth, widths, header in (
            ("555", 16, (5, 5, 5, 0), None), ("565", 16, (5, 6, 5, 0), 40),
            ("4444", 16, (4, 4, 4, 4), 108), ("8888", 32, (8, 8, 8, 8), 124),
            ("888", 32, (8, 8, 8, 0), 52), ("101010", 32, (10, 10, 10, 2), 56),
            ("8888-40", 32, (8, 8, 8, 8), 40)):
        samples = np.concatenate([picture(1, max(w, 1)) for w in widths], 2)
        shifts = [sum(widths[i + 1:3]) for i in range(3)] + [sum(widths[:3])]
        masks = [((1 << w) - 1) << s for w, s in zip(widths, shifts)]
        value = sum(samples[:, :, i].astype(np.uint64) << s
                    for i, s in enumerate(shifts) if widths[i])
        lines = [b"".join(int(v).to_bytes(depth // 8, "little") for v in row) for row in value]
        channels = 4 if widths[3] else 3
        decoded = np.stack([(samples[:, :, i].astype(int) * 255 + ((1 << widths[i]) - 1) // 2) //
                            ((1 << widths[i]) - 1) for i in range(channels)], 2)
        compression = 0 if header is None else 6 if name.endswith("-40") else 3
        count = 4 if (header or 0) >= 56 or compression == 6 else 3
        body = struct.pack(f"<{count}I", *masks[:count]) if header else b""
        data = bmp(padded(lines[::-1]), depth, header=header or 40, compression=compression,
                   masks=body)
        record(f"fields{name}.bmp", data, decoded)
        if name == "8888":
            clear = [b"".join((int(v) & 0xffffff).to_bytes(4, "little") for v in row)
                     for row in value]
            record("fields8888-alpha-unused.bmp",
                   bmp(b"".join(clear[::-1]), 32, header=124, compression=3, masks=body),
                   decoded[:, :, :3])


def run_lengths(colours, quads):
    # RLE8: a run, a literal of odd length, a step, and ends of rows.
    index = np.zeros((HEIGHT, WIDTH), int)
    rows = bytearray()
    for y in range(HEIGHT):
        values = index[HEIGHT - 1 - y]
        values[:4] = 3 + y
        rows += bytes([4, 3 + y])
        if y % 3 == 0:
            literal = [9, 8, 7, 6, 5]
            values[4:9] = literal
            rows += bytes([0, 5, *literal, 0])
        elif y % 3 == 1:
            values[6:9] = 50
            rows += bytes([0, 2, 2, 0, 3, 50])
        rows += b"\0\0"
    rows += b"\0\1"
    data = bmp(bytes(rows), 8, quads, compression=1, colours=len(quads) // 4)
    check(data, colours[index], "RGB")
    record("rle8.bmp", data, colours[index])
    index = np.zeros((HEIGHT, WIDTH), int)
    rows = bytearray()
    for y in range(HEIGHT):
        values = index[HEIGHT - 1 - y]
        values[:5] = [1, 2, 1, 2, 1]
        rows += bytes([5, 0x12])
        values[5:10] = [3, 4, 5, 6, y]
        rows += bytes([0, 5, 0x34, 0x56, y << 4, 0]) + b"\0\0"
    rows += b"\0\1"
    data = bmp(bytes(rows), 4, quads[:64], compression=2, colours=16)
    record("rle4.bmp", data, colours[index])


# --- PNM -------------------------------------------------------------------------------------

def pnms():
    samples = picture(1, 1)
    text = "\n".join("".join(map(str, row)) for row in samples[:, :, 0])
    record("bitmap-plain.pbm", f"P1\n# a comment\n{WIDTH} {HEIGHT}\n{text}\n".encode(),
           (1 - samples) * 255)
    record("bitmap-raw.pbm", f"P4 {WIDTH} {HEIGHT}\n".encode() + pack(samples[:, :, 0], 1, ">"),
           (1 - samples) * 255)
    for top in (1, 15, 100, 255, 256, 1000, 4095, 65535):
        for channels, plain, raw, word in ((1, "P2", "P5", "grey"), (3, "P3", "P6", "rgb")):
            samples = rng.integers(0, top + 1, (HEIGHT, WIDTH, channels))
            decoded, bits = scaled(samples, 0, top), 8 if top < 256 else 16
            flat = samples.reshape(HEIGHT, -1)
            size = f"{WIDTH} {HEIGHT}"
            text = "\n".join(" ".join(map(str, row)) for row in flat)
            end = ".pgm" if channels == 1 else ".ppm"
            record(f"{word}-plain{top}{end}", f"{plain}\n{size}\n{top}\n{text}\n".encode(),
                   decoded, bits)
            body = pack(flat, bits, ">")
            data = f"{raw}\n{size} # width, height\n{top}\n".encode() + body
            if top in (255, 65535) and channels == 1:
                check(data, samples)
            record(f"{word}-raw{top}{end}", data, decoded, bits)
    one = b"P5 2 1 255\n\x10\x20"
    record("two-images.pgm", one + one, np.array([[[16], [32]]]), has_more=True)


import PIL.ImageCms  # noqa: E402

grey_tiffs()
colour_tiffs()
palette_tiffs()
other_tiffs()
compressed_tiffs()
webps()
bmps()
pnms()
with open(os.path.join(FOLDER, "expected.json"), "w") as file:
    json.dump(expected, file, separators=(",", ":"))
    file.write("\n")
print(len(expected["images"]), "files")
