"""Ways in which a saved file becomes another one; the same ideas as Support/FileDamage.swift of the tests."""

import os
import tempfile
import re
import shutil

NUMBERS = [
    "-1", "0", "1", "7", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616",
    "1e999", "-1e999", "NaN", "Infinity", "1e308", "-1e308", "1e-320", "0.5", "4294967296", "null", "true", '"7"',
    "[]", "{}",
]
TEXTS = [
    '""', '"../../../pwned"', '"/etc/passwd"', '"a\\u0000b"', '"\\ud800"', '"NaN"', "7", "null", "[]", '{"a": 1}',
    '"' + "x" * 200_000 + '"', '"."', '".."', '"\\u202e\\u001b[2J"',
]
DEEP = ["[" * n + "]" * n for n in (100, 600, 100_000)] + ['{"a":' * 5_000 + "1" + "}" * 5_000]
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*')
SEAL = re.compile(rb'"checksum"(\s*):')


def tokens(data):
    """Where numbers and texts stand, for JSON and for the header of a model file alike."""
    found = [match.span() for match in TOKEN.finditer(data[:200_000])]
    numbers = [span for span in found if data[span[0]] != ord('"')]
    return numbers, [span for span in found if data[span[0]] == ord('"')]


def unsealed(data):
    """A record as earlier versions wrote it, without a checksum: its values must be possible by themselves."""
    return SEAL.sub(rb'"former"\1:', data)


def replaced(data, rng):
    numbers, texts = tokens(data)
    if not numbers and not texts:
        return data + b"\0"
    if rng.random() < 0.05:
        start, end = rng.choice(numbers + texts)
        value = rng.choice(DEEP)
    elif numbers and (not texts or rng.random() < 0.6):
        start, end = rng.choice(numbers)
        value = rng.choice(NUMBERS)
    else:
        start, end = rng.choice(texts)
        value = rng.choice(TEXTS)
    return data[:start] + value.encode() + data[end:]


def doubled(data, rng):
    _, texts = tokens(data)
    brace = data.find(b"{")
    if brace < 0 or not texts:
        return data + data
    start, end = rng.choice(texts)
    return data[: brace + 1] + data[start:end] + b":" + rng.choice(NUMBERS).encode() + b"," + data[brace + 1 :]


def flipped(data, rng, alphabet=None):
    changed = bytearray(data)
    head = min(len(changed), rng.choice([64, 4096, len(changed)]))
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(head)
        changed[place] = rng.choice(alphabet) if alphabet else changed[place] ^ (1 << rng.randrange(8))
    return bytes(changed)


def changed(data, rng, others):
    """Another content, and what was done."""
    if not data:
        return b"x", "one byte"
    if rng.random() < 0.5:
        data = unsealed(data)
    kind = rng.randrange(12)
    if kind == 0:
        return data[: rng.randrange(len(data))], "cut"
    if kind == 1:
        return (b"", "empty") if rng.random() < 0.3 else (rng.choice(others), "another file's content")
    if kind == 2:
        return data + data, "doubled"
    if kind in (3, 4):
        return flipped(data, rng), "bits"
    if kind == 5:
        return flipped(data, rng, b'0123456789{}[],:"-e'), "characters"
    if kind == 6:
        return doubled(data, rng), "a key twice"
    for _ in range(rng.randint(1, 3)):
        data = replaced(data, rng)
    return data, "values"


def remove(path):
    if os.path.islink(path) or os.path.isfile(path) or not os.path.isdir(path):
        if os.path.lexists(path):
            os.unlink(path)
    else:
        shutil.rmtree(path)


def strange(path, rng):
    """Something that is no file in a file's place; says what."""
    kind = rng.randrange(8)
    remove(path)
    if kind == 0:
        os.makedirs(path + "/within")
        return "a folder"
    if kind == 1:
        os.mkfifo(path)
        return "a pipe"
    if kind == 2:
        os.symlink("/dev/zero", path)
        return "a link to /dev/zero"
    if kind == 3:
        os.symlink(os.path.basename(path), path)
        return "a link to itself"
    if kind == 4:
        with open(path, "wb") as file:
            file.truncate(1 << 40)
        return "a terabyte of nothing"
    if kind == 5:
        # A file of our own: a program that writes through the link must not reach the machine's.
        elsewhere = os.path.join(tempfile.gettempdir(), "figment-fuzz-elsewhere")
        if os.path.exists(elsewhere) and open(elsewhere).read() != "somebody else's\n":
            raise SystemExit("%s: a program wrote through a link" % elsewhere)
        with open(elsewhere, "w") as file:
            file.write("somebody else's\n")
        os.symlink(elsewhere, path)
        return "a link to another file"
    if kind == 6:
        with open(path, "wb") as file:
            os.fchmod(file.fileno(), 0)
        return "no right to read"
    return "gone"
