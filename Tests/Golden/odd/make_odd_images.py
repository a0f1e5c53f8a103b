#!/usr/bin/env python3
"""Writes odd.json: files as people have them, each with what it must give.

Every file is put together from parts, so what it must decode to is known; Pillow and OpenCV confirm
it where they read the file. Colours are converted by Pillow's binding of LittleCMS.

    pip install pillow numpy opencv-python-headless && python3 make_odd_images.py
"""

import json
import os
import struct
import sys
import zlib
from io import BytesIO

import cv2
import numpy as np
import PIL
from PIL import Image, ImageCms

import profiles
from parts import *

FOLDER = os.path.dirname(os.path.abspath(__file__))

# --- PNG: what changes no pixel --------------------------------------------------------------

def unread_chunks():
    bodies = {
        b"tEXt": b"Title\0x", b"zTXt": b"Title\0\0" + zlib.compress(b"x"), b"iTXt": b"T\0\0\0\0\0x",
        b"tIME": bytes(7), b"pHYs": bytes(9), b"gAMA": struct.pack(">I", 45455), b"cHRM": bytes(32),
        b"sRGB": b"\0", b"iCCP": b"x\0\0" + zlib.compress(profiles.ADOBE_RGB), b"bKGD": bytes(6),
        b"sBIT": b"\5\6\5", b"hIST": bytes(4), b"sPLT": b"p\0\x08" + bytes(6), b"eXIf": b"II*\0",
        b"acTL": struct.pack(">II", 1, 0), b"fcTL": bytes(26), b"oFFs": bytes(9), b"vpAg": bytes(9),
        b"pCAL": b"x\0" + bytes(9), b"sCAL": b"\1" + b"1\0" + b"1", b"cICP": bytes(4),
        b"mkBT": b"anything", b"caBX": bytes(3), b"tRNS": None,
    }
    for name, body in bodies.items():
        if body is None:
            continue
        word = name.decode()
        add_png(f"wrong checksum in {word}", SIGNATURE + RGB + wrong(name, body) + DATA + END, COLOURS)
        add_png(f"{word} of no sensible length",
                SIGNATURE + RGB + chunk(name, b"\xff" * 3) + DATA + END, COLOURS)
        add_png(f"{word} without content", SIGNATURE + RGB + chunk(name, b"") + DATA + END, COLOURS)
    add_png("palette with a wrong checksum in an image that has none",
            SIGNATURE + RGB + wrong(b"PLTE", PALETTE.tobytes()) + DATA + END, COLOURS)
    add_png("palette of no sensible length in an image that has none",
            SIGNATURE + RGB + chunk(b"PLTE", bytes(7)) + DATA + END, COLOURS)
    add_png("end with content", SIGNATURE + RGB + DATA + chunk(b"IEND", b"abc"), COLOURS)
    add_png("end with a wrong checksum", SIGNATURE + RGB + DATA + END[:-1] + b"x", COLOURS)
    add_png("bytes after the end", SIGNATURE + RGB + DATA + END + b"more" * 9, COLOURS)
    add_png("text in the midst of the data",
            SIGNATURE + RGB + chunk(b"IDAT", PACKED[:40]) + chunk(b"tEXt", b"a\0b") +
            chunk(b"IDAT", PACKED[40:]) + END, COLOURS)


def surplus_data():
    for name, extra in (("zeros", bytes(300)), ("anything", bytes(range(1, 200)))):
        add_png(f"surplus data in IDAT, {name}",
                SIGNATURE + RGB + chunk(b"IDAT", PACKED + extra) + END, COLOURS)
        add_png(f"surplus data in an IDAT of its own, {name}",
                SIGNATURE + RGB + DATA + chunk(b"IDAT", extra) + END, COLOURS)
    add_png("rows after the last one",
            SIGNATURE + RGB + chunk(b"IDAT", zlib.compress(rows(COLOURS) + bytes(999))) + END, COLOURS)
    add_png("IDAT without content", SIGNATURE + RGB + chunk(b"IDAT", b"") + DATA +
            chunk(b"IDAT", b"") + END, COLOURS)
    add_png("IDAT of one byte each",
            SIGNATURE + RGB + b"".join(chunk(b"IDAT", PACKED[i:i + 1]) for i in range(len(PACKED))) +
            END, COLOURS)


def transparency():
    colours = PALETTE[INDEXES]
    alpha = np.array([0, 60, 128, 200] + [255] * 12, np.uint8)
    add_png("tRNS longer than the palette",
            SIGNATURE + INDEXED + chunk(b"tRNS", alpha.tobytes() + bytes(48)) + INDEX_DATA + END,
            with_alpha(colours, alpha[INDEXES]))
    add_png("tRNS of 300 entries",
            SIGNATURE + INDEXED + chunk(b"tRNS", alpha.tobytes() + bytes(284)) + INDEX_DATA + END,
            with_alpha(colours, alpha[INDEXES]))
    add_png("tRNS before the palette",
            SIGNATURE + header(3, 8) + chunk(b"tRNS", alpha[:4].tobytes()) +
            chunk(b"PLTE", PALETTE.tobytes()) + INDEX_DATA + END, with_alpha(colours, alpha[INDEXES]))
    add_png("tRNS after the data", SIGNATURE + INDEXED + INDEX_DATA + chunk(b"tRNS", bytes(4)) + END,
            colours)
    add_png("tRNS without content", SIGNATURE + INDEXED + chunk(b"tRNS", b"") + INDEX_DATA + END,
            colours)
    key = COLOURS[2, 3]
    opaque = np.where((COLOURS == key).all(2), 0, 255).astype(np.uint8)
    for name, high, more in (("out of range", 0x300, b""), ("too long", 0, b"\1\2\3")):
        body = struct.pack(">3H", *(int(v) | high for v in key)) + more
        add_png(f"tRNS {name}", SIGNATURE + RGB + chunk(b"tRNS", body) + DATA + END,
                with_alpha(COLOURS, opaque))
    add_png("tRNS too short", SIGNATURE + RGB + chunk(b"tRNS", b"\0\1") + DATA + END, COLOURS)
    rgba = with_alpha(COLOURS, COLOURS[..., 0])
    add_png("tRNS beside alpha",
            SIGNATURE + header(6, 8) + wrong(b"tRNS", bytes(6)) +
            chunk(b"IDAT", zlib.compress(rows(rgba))) + END, rgba)
    four = np.arange(99, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 16
    packed = [np.append(row, 0) for row in four]
    data = b"".join(b"\0" + bytes(int(a) << 4 | int(b) for a, b in zip(r[::2], r[1::2])) for r in packed)
    add_png("tRNS out of range of 4 bits",
            SIGNATURE + header(0, 4) + chunk(b"tRNS", b"\x12\x35") +
            chunk(b"IDAT", zlib.compress(data)) + END,
            np.dstack([four * 17, np.where(four == 5, 0, 255).astype(np.uint8)]))


def meaning_of_depth():
    wide = (np.arange(99, dtype=np.uint16) * 41).reshape(HEIGHT, WIDTH)
    data = chunk(b"IDAT", zlib.compress(rows(wide)))
    for name, extra in (("without sBIT", b""), ("with sBIT", chunk(b"sBIT", b"\x0c"))):
        add_png(f"12 bits kept in 16, {name}", SIGNATURE + header(0, 16) + extra + data + END, wide)
    for name, extra in (("gamma of 1", chunk(b"gAMA", struct.pack(">I", 100000))),
                        ("gamma of 0", chunk(b"gAMA", bytes(4))),
                        ("odd primaries", chunk(b"cHRM", struct.pack(">8I", *[31270] * 8)))):
        add_png(f"{name} without a profile", SIGNATURE + RGB + extra + DATA + END, COLOURS)


# --- PNG: damage -----------------------------------------------------------------------------

def damaged_png():
    broken_sum = PACKED[:-1] + bytes([PACKED[-1] ^ 1])
    body = bytearray(zlib.compress(rows(COLOURS)))
    body[len(body) // 2] ^= 0xff
    for name, data, failure in (
        ("wrong checksum in IDAT", SIGNATURE + RGB + wrong(b"IDAT", PACKED) + END, "wrongChecksum"),
        ("wrong checksum in IHDR",
         SIGNATURE + RGB[:-1] + bytes([RGB[-1] ^ 1]) + DATA + END, "wrongChecksum"),
        ("wrong checksum in a palette that is read",
         SIGNATURE + header(3, 8) + wrong(b"PLTE", PALETTE.tobytes()) + INDEX_DATA + END,
         "wrongChecksum"),
        ("wrong checksum in a tRNS that is read",
         SIGNATURE + INDEXED + wrong(b"tRNS", bytes(4)) + INDEX_DATA + END, "wrongChecksum"),
        ("wrong checksum of the pixels", SIGNATURE + RGB + chunk(b"IDAT", broken_sum) + END,
         "wrongChecksum"),
        ("garbled pixels", SIGNATURE + RGB + chunk(b"IDAT", bytes(body)) + END, "damagedPixels"),
        ("rows missing",
         SIGNATURE + RGB + chunk(b"IDAT", zlib.compress(rows(COLOURS)[:-40])) + END, "damagedPixels"),
        ("data cut", SIGNATURE + RGB + chunk(b"IDAT", PACKED[:-30]) + END, "damagedPixels"),
        ("no data", SIGNATURE + RGB + END, "corrupt"),
        ("no palette", SIGNATURE + header(3, 8) + INDEX_DATA + END, "corrupt"),
        ("no end", SIGNATURE + RGB + DATA, "truncated"),
        ("cut in the data", SIGNATURE + RGB + DATA[:-30], "truncated"),
        ("cut in a text before the data", SIGNATURE + RGB + chunk(b"tEXt", b"a\0" + bytes(99))[:50],
         "truncated"),
        ("tRNS of an impossible depth",
         SIGNATURE + header(0, 72) + chunk(b"tRNS", b"\0\1") + DATA + END, "corrupt"),
        ("unknown critical chunk", SIGNATURE + RGB + chunk(b"ABCD", b"") + DATA + END, "corrupt"),
        ("chunk without a name", SIGNATURE + RGB + chunk(b"a\0b1", b"") + DATA + END, "corrupt"),
    ):
        add(name, data, failure=failure)


# --- Orientation -----------------------------------------------------------------------------

def orientation_in_png():
    prefixed = b"Exif\0\0"
    blocks = {
        "SHORT": exif(3, "H"), "SHORT, big-endian": exif(3, "H", little=False), "LONG": exif(4, "I"),
        "LONG, big-endian": exif(4, "I", little=False), "SLONG": exif(9, "i"),
        "SSHORT, big-endian": exif(8, "h", little=False), "SBYTE": exif(6, "b"),
        "RATIONAL": exif(5, "II", wide=True), "LONG8": exif(16, "Q", wide=True),
        "SHORT after Exif": exif(3, "H", prefix=prefixed),
        "SHORT after Exif twice": exif(3, "H", prefix=prefixed * 2),
        "LONG after Exif": exif(4, "I", little=False, prefix=prefixed),
    }
    for name, block in blocks.items():
        add_turned(f"eXIf with {name}", SIGNATURE + RGB + chunk(b"eXIf", block) + DATA + END, COLOURS)
    add_turned("eXIf after the data",
               SIGNATURE + RGB + DATA + chunk(b"eXIf", exif(3, "H")) + END, COLOURS)
    add_turned("eXIf with a wrong checksum",
               SIGNATURE + RGB + wrong(b"eXIf", exif(3, "H")) + DATA + END, COLOURS, 1, by_pillow=False)
    for name, block in (("9", exif(3, "H", 9)), ("0", exif(3, "H", 0)),
                        ("a text", exif(2, "B", 0x36)), ("65542", exif(4, "I", 65542)),
                        ("a value outside", exif(5, "II", wide=True)[:-1])):
        add_turned(f"eXIf with {name} for an orientation",
                   SIGNATURE + RGB + chunk(b"eXIf", block) + DATA + END, COLOURS, 1)
    for keyword, name, block, seen in (
        ("Raw profile type exif", "exif", exif(3, "H", prefix=prefixed), True),
        ("Raw profile type exif", "exif", exif(4, "I", little=False), True),
        ("Raw profile type APP1", "APP1", exif(3, "H", prefix=prefixed), False),
        ("Raw profile type APP1", "APP1", b"http://ns.adobe.com/xap/1.0/\0" + xmp(6, "attribute"), False),
    ):
        for form, part in text_chunks(keyword, raw_profile(name, block)).items():
            add_turned(f"{keyword} in {form}, {len(block)} bytes",
                       SIGNATURE + RGB + part + DATA + END, COLOURS, by_pillow=seen)
    for shape in ("attribute", "element"):
        for form, part in text_chunks("XML:com.adobe.xmp", xmp(6, shape)).items():
            add_turned(f"XMP {shape} in {form}", SIGNATURE + RGB + part + DATA + END, COLOURS,
                       by_pillow=form.endswith("iTXt"))
    packet = text_chunks("XML:com.adobe.xmp", xmp(6, "attribute"))["iTXt"]
    add_turned("EXIF goes before XMP",
               SIGNATURE + RGB + packet + chunk(b"eXIf", exif(3, "H", 3)) + DATA + END, COLOURS, 3)
    add_turned("XMP where EXIF names no orientation",
               SIGNATURE + RGB + packet + chunk(b"eXIf", exif(3, "H")[:8] + bytes(6)) + DATA + END,
               COLOURS)


# --- JPEG ------------------------------------------------------------------------------------

def stray_bytes():
    plain, restarts = jpeg(), jpeg(restart_marker_blocks=1)
    progressive = jpeg(progressive=True)
    pixels = np.array(pillow(plain))
    scan = plain.index(b"\xff\xda")
    files = {
        "nothing odd": plain,
        "stray bytes after a segment": after_first_segment(plain, b"abc"),
        "stray bytes before a table": plain[:plain.index(b"\xff\xdb")] + bytes(5) +
                                      plain[plain.index(b"\xff\xdb"):],
        "stray bytes before the scan": plain[:scan] + b"\x10\x20" + plain[scan:],
        "stray bytes before the end": before_end(plain, b"12345678"),
        "zeros before the end": before_end(plain, bytes(4096)),
        "stray bytes with a stuffed marker": after_first_segment(plain, b"\xff\0\xff\0"),
        "fill bytes before a segment": after_first_segment(plain, b"\xff" * 7),
        "comment of no length": after_first_segment(plain, b"\xff\xfe\0\0"),
        "segment that is longer than it says":
            after_first_segment(plain, b"\xff\xed\0\x06Photoshop 3.0"),
        "JFIF segment that is too short": plain[:4] + struct.pack(">H", 12) + plain[6:],
        "JFIF segment of no length": plain[:4] + b"\0\0" + plain[6:],
        "JFIF of a version to come": plain[:11] + b"\x09" + plain[12:],
        "Exif of no sense": after_first_segment(plain, segment(0xe1, b"Exif\0\0" + b"\xff" * 20)),
        "profile of no sense": after_first_segment(plain, segment(0xe2, b"ICC_PROFILE\0\1\1" + bytes(9))),
        "profile with a part missing":
            after_first_segment(plain, segment(0xe2, b"ICC_PROFILE\0\1\2" + profiles.ADOBE_RGB)),
        "Adobe segment with an unknown transform":
            after_first_segment(plain, segment(0xee, b"Adobe\0\x64\0\0\0\0\x07")),
        "scan parameters of zero": plain[:scan + 11] + bytes(3) + plain[scan + 14:],
        "bytes after the end": plain + b"more" * 99,
    }
    for name, data in files.items():
        seen = pillow(data)
        assert seen is not None and np.array_equal(np.array(seen), pixels), name
        assert np.abs(opencv(data).astype(int) - pixels).max() <= 2, name
        add(f"JPEG: {name}", data, pixels, tolerance=2)
    add("JPEG: progressive, stray bytes before the end", before_end(progressive, b"12345678"),
        np.array(pillow(progressive)), tolerance=2)
    at = restarts.index(b"\xff\xd0")
    middle = len(plain) - (len(plain) - scan) // 2
    for name, data, failure in (
        ("end missing", plain[:-2], "truncated"),
        ("cut in the scan", plain[:-20], "truncated"),
        ("end in the midst of the scan", plain[:middle] + b"\xff\xd9", "damagedPixels"),
        ("stray bytes before a restart", restarts[:at] + b"abc" * 99 + restarts[at:], "damagedPixels"),
        ("restart out of turn", restarts[:at] + b"\xff\xd5" + restarts[at + 2:], "damagedPixels"),
        ("segment that reaches into the next", plain[:4] + struct.pack(">H", 40) + plain[6:], "corrupt"),
    ):
        add(f"JPEG: {name}", data, failure=failure)


def orientation_in_jpeg():
    plain = jpeg()
    pixels = np.array(pillow(plain))
    packet = b"http://ns.adobe.com/xap/1.0/\0"
    prefix = b"Exif\0\0"
    segments = {
        "SHORT": segment(0xe1, exif(3, "H", prefix=prefix)),
        "LONG": segment(0xe1, exif(4, "I", prefix=prefix)),
        "LONG, big-endian": segment(0xe1, exif(4, "I", little=False, prefix=prefix)),
        "SLONG": segment(0xe1, exif(9, "i", prefix=prefix)),
        "SHORT after stray bytes": b"abc" + segment(0xe1, exif(3, "H", prefix=prefix)),
        "XMP attribute": segment(0xe1, packet + xmp(6, "attribute")),
        "XMP element": segment(0xe1, packet + xmp(6, "element")),
        "XMP after EXIF without it":
            segment(0xe1, prefix + exif(3, "H")[:8] + bytes(6)) + segment(0xe1, packet + xmp(6, "element")),
    }
    for name, part in segments.items():
        add_turned(f"JPEG: orientation, {name}", after_first_segment(plain, part), pixels, tolerance=2)
    add_turned("JPEG: EXIF goes before XMP", after_first_segment(
        plain, segment(0xe1, packet + xmp(6, "element")) +
        segment(0xe1, exif(3, "H", 3, prefix=prefix))), pixels, 3, tolerance=2)
    add_turned("JPEG: XMP of 9", after_first_segment(plain, segment(0xe1, packet + xmp(9, "element"))),
               pixels, 1, tolerance=2)


# --- Colours ---------------------------------------------------------------------------------

def in_srgb(image, profile):
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    out = np.array(ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"))
    if image.mode != "L":
        return out
    assert np.ptp(out.astype(int), axis=2).max() <= 1
    return out[..., 1]


def colours():
    wide = COLOURS.astype(np.uint16) * 257
    grey = COLOURS[..., 0]
    alpha = COLOURS[..., 2]
    for name in ("ADOBE_RGB", "DISPLAY_P3", "SRGB"):
        profile = getattr(profiles, name)
        part = chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
        target = COLOURS if name == "SRGB" else in_srgb(Image.fromarray(COLOURS), profile)
        data = SIGNATURE + RGB + part + DATA + END
        add(f"{name} PNG", data, target, tolerance=1)
        add(f"{name} PNG, as stored", data, COLOURS, colour="as-stored")
        add(f"{name} PNG with alpha",
            SIGNATURE + header(6, 8) + part +
            chunk(b"IDAT", zlib.compress(rows(with_alpha(COLOURS, alpha)))) + END,
            with_alpha(target, alpha), tolerance=1)
        add(f"{name} PNG of 16 bits",
            SIGNATURE + header(2, 16) + part + chunk(b"IDAT", zlib.compress(rows(wide))) + END,
            target.astype(np.uint16) * 257, tolerance=514)
        file = jpeg(icc_profile=profile)
        stored = pillow(file)
        add(f"{name} JPEG", file,
            np.array(stored) if name == "SRGB" else in_srgb(stored, profile), tolerance=3)
        add(f"{name} JPEG, as stored", file, np.array(stored), tolerance=2, colour="as-stored")
    for name in ("GREY_18", "GREY_LINEAR", "GREY_SRGB"):
        profile = getattr(profiles, name)
        part = chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
        target = grey if name == "GREY_SRGB" else in_srgb(Image.fromarray(grey), profile)
        data = chunk(b"IDAT", zlib.compress(rows(grey)))
        add(f"{name} PNG", SIGNATURE + header(0, 8) + part + data + END, target, tolerance=1)
        add(f"{name} PNG with alpha",
            SIGNATURE + header(4, 8) + part +
            chunk(b"IDAT", zlib.compress(rows(np.dstack([grey, alpha])))) + END,
            np.dstack([target, alpha]), tolerance=1)
        file = jpeg(picture(count=1), icc_profile=profile)
        add(f"{name} JPEG", file, in_srgb(pillow(file), profile), tolerance=3)
    ignored()
    ink()


def ignored():
    """Profiles that are none, or of another kind of image."""
    adobe, grey = profiles.ADOBE_RGB, profiles.GREY_18
    for name, body in (
        ("for grey in a colour image", b"x\0\0" + zlib.compress(grey)),
        ("that is cut", b"x\0\0" + zlib.compress(adobe[:160])),
        ("with cut packing", b"x\0\0" + zlib.compress(adobe)[:40]),
        ("of another method", b"x\0\1" + zlib.compress(adobe)),
        ("without a name's end", b"x" * 90),
        ("that says to be enormous", b"x\0\0" + zlib.compress(b"\x7f\xff\xff\xff" + adobe[4:])),
        ("that says to be tiny", b"x\0\0" + zlib.compress(b"\0\0\0\x05" + adobe[4:])),
    ):
        add(f"profile {name}", SIGNATURE + RGB + chunk(b"iCCP", body) + DATA + END, COLOURS)


def ink():
    profile = profiles.cmyk(steps=3)
    image = picture(count=4)
    for name, file in (("Adobe", jpeg(image, icc_profile=profile)),):
        seen = pillow(file)
        add(f"CMYK JPEG with a profile, {name}", file, in_srgb(seen, profile), tolerance=4)
        add(f"CMYK JPEG with a profile, {name}, as stored", file, np.array(seen.convert("RGB")),
            tolerance=3, colour="as-stored")
    wrong_kind = jpeg(image, icc_profile=profiles.ADOBE_RGB)
    add("CMYK JPEG with a profile of colours", wrong_kind,
        np.array(pillow(wrong_kind).convert("RGB")), tolerance=3)


unread_chunks()
surplus_data()
transparency()
meaning_of_depth()
damaged_png()
orientation_in_png()
stray_bytes()
orientation_in_jpeg()
colours()
names = [entry["name"] for entry in entries]
assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
with open(os.path.join(FOLDER, "odd.json"), "w") as file:
    file.write('{"tool": "Pillow %s, OpenCV %s", "files": [\n' % (PIL.__version__, cv2.__version__))
    file.write(",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries))
    file.write("\n]}\n")
print(len(entries), "files", file=sys.stderr)
