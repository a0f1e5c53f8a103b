"""Parts of PNG, JPEG, EXIF and XMP, and the list of files that make_odd_images.py fills."""

import base64
import struct
import warnings
import zlib
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
entries = []

# --- Parts of PNG ----------------------------------------------------------------------------

WIDTH, HEIGHT = 11, 9
SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = ((np.arange(HEIGHT * WIDTH * 3) * 7) % 256).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
INDEXES = (np.arange(HEIGHT * WIDTH) % 16).astype(np.uint8).reshape(HEIGHT, WIDTH)
PALETTE = np.array([[i * 16, 255 - i * 9, i * 5] for i in range(16)], np.uint8)


def chunk(name, body, sum_of=None):
    return (struct.pack(">I", len(body)) + name + body +
            struct.pack(">I", zlib.crc32(name + (body if sum_of is None else sum_of))))


def wrong(name, body):
    """A chunk with a wrong checksum."""
    return chunk(name, body, body + b"!")


def header(kind, depth):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0))


def rows(samples):
    samples = samples.astype(">u2") if samples.dtype == np.uint16 else samples
    return b"".join(b"\0" + row.tobytes() for row in samples)


END = chunk(b"IEND", b"")
RGB = header(2, 8)
INDEXED = header(3, 8) + chunk(b"PLTE", PALETTE.tobytes())
PACKED = zlib.compress(rows(COLOURS))
PACKED_INDEXES = zlib.compress(rows(INDEXES))
DATA = chunk(b"IDAT", PACKED)
INDEX_DATA = chunk(b"IDAT", PACKED_INDEXES)


def with_alpha(colours, alpha):
    return np.dstack([colours, alpha])


# --- The list --------------------------------------------------------------------------------

def pillow(data):
    try:
        image = Image.open(BytesIO(data))
        image.load()
        return image
    except Exception:
        return None


def opencv(data):
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim == 2:
        return image
    order = [2, 1, 0, 3][:image.shape[2]]
    return image[..., order]


def add(name, data, samples=None, failure=None, orientation=1, tolerance=0, colour="convert"):
    """`samples` (rows, columns, channels) that the file must give, or the word of its failure."""
    entry = {"name": name, "data": base64.b64encode(data).decode(), "colour": colour}
    if failure:
        entry["failure"] = failure
    else:
        samples = samples if samples.ndim == 3 else samples[..., None]
        wide = samples.dtype == np.uint16
        entry.update({
            "height": samples.shape[0], "width": samples.shape[1], "channels": samples.shape[2],
            "bits": 16 if wide else 8, "orientation": orientation, "tolerance": tolerance,
            "samples": base64.b64encode(
                samples.astype("<u2" if wide else np.uint8).tobytes()).decode()})
    entries.append(entry)


def add_png(name, data, samples, **rest):
    """A file without a fault that matters; whichever program reads it must agree."""
    seen = opencv(data)
    if seen is not None and seen.shape == samples.shape and seen.dtype == samples.dtype:
        assert np.array_equal(seen, samples), name
    image = pillow(data)
    if image is not None and samples.ndim == 3 and samples.shape[2] == 3 and image.mode == "RGB":
        assert np.array_equal(np.array(image), samples), name
    add(name, data, samples, **rest)


# --- Orientation -----------------------------------------------------------------------------

def exif(kind, code, value=6, little=True, prefix=b"", wide=False):
    """A TIFF structure with one entry; `wide` values lie behind it."""
    order = "<" if little else ">"
    head = (b"II" if little else b"MM") + struct.pack(order + "HI", 42, 8)
    packed = struct.pack(order + code, *([value, 1] if code == "II" else [value]))
    field = struct.pack(order + "I", 26) if wide else packed.ljust(4, b"\0")
    return (prefix + head + struct.pack(order + "HHHI", 1, 0x0112, kind, 1) + field +
            struct.pack(order + "I", 0) + (packed if wide else b""))


def xmp(value, form):
    ns = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    if form == "attribute":
        inner = f'<rdf:Description {ns} tiff:Orientation="{value}"/>'
    else:
        inner = f"<rdf:Description {ns}><tiff:Orientation>{value}</tiff:Orientation></rdf:Description>"
    return (f'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{inner}</rdf:RDF>'
            f"</x:xmpmeta>").encode()


def raw_profile(name, data):
    text = data.hex()
    lines = "\n".join(text[i:i + 72] for i in range(0, len(text), 72))
    return f"\n{name}\n{len(data):8d}\n{lines}\n".encode()


def text_chunks(keyword, text):
    key = keyword.encode() + b"\0"
    return {"tEXt": chunk(b"tEXt", key + text), "zTXt": chunk(b"zTXt", key + b"\0" + zlib.compress(text)),
            "iTXt": chunk(b"iTXt", key + b"\0\0\0\0" + text),
            "packed iTXt": chunk(b"iTXt", key + b"\1\0\0\0" + zlib.compress(text))}


def turned(data):
    """Whether Pillow turns a file on its side."""
    image = pillow(data)
    if image is None:
        return None
    try:
        return ImageOps.exif_transpose(image).size != image.size
    except Exception:
        return None


def add_turned(name, data, samples, orientation=6, by_pillow=True, **rest):
    sees = turned(data)
    if by_pillow and sees is not None:
        assert sees == (orientation >= 5), name
    add(name, data, samples, orientation=orientation, **rest)


# --- JPEG ------------------------------------------------------------------------------------

def picture(width=20, height=12, count=3):
    y, x = np.mgrid[0:height, 0:width]
    bands = [127 + 100 * (((x * (c + 2) + y * (3 - c) * 1.5) % 60) - 30) / 30 for c in range(count)]
    samples = np.dstack(bands).astype(np.uint8)
    return Image.fromarray(samples[..., 0] if count == 1 else samples,
                           {1: "L", 3: "RGB", 4: "CMYK"}[count])


def jpeg(image=None, **options):
    out = BytesIO()
    (image or picture()).save(out, "JPEG", quality=92, **options)
    return out.getvalue()


def segment(marker, body):
    return bytes((0xff, marker)) + struct.pack(">H", len(body) + 2) + body


def before_end(data, extra):
    assert data.endswith(b"\xff\xd9")
    return data[:-2] + extra + data[-2:]


def after_first_segment(data, extra):
    place = 4 + struct.unpack(">H", data[4:6])[0]
    return data[:place] + extra + data[place:]
