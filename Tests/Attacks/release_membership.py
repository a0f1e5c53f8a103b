#!/usr/bin/env python3
"""Tries to decide from a release whether one image was in the training set.

  release_membership.py RELEASE --known DIR --candidate FILE [--class NAME] [--ledger REPLY.json --root PATH]

The attacker of differential privacy: she holds every training image but perhaps one (DIR, a sub-folder for each
class), the candidate, and the public declarations. She looks for a commitment to the exact set: every long
hexadecimal or base64 string in every file of the release, and every file's time, is compared with what she computes
for both hypotheses, "the candidate was in" and "it was not". With the reply of `GET /v1/datasets/NAME/ledger` and the
dataset's folder she also rebuilds the ledger's chain, line by line, under both hypotheses.

Exit code 0: nothing decides. 1: something does, and it is printed. 2: unusable arguments.
"""
import argparse
import base64
import hashlib
import itertools
import json
import os
import re
import struct
import sys
from datetime import datetime, timedelta, timezone

FIXED_TIME = 315532800
BEGINNING = "0" * 64


def read(path):
  with open(path, "rb") as file:
    return file.read()


def files_of(folder):
  for parent, _, names in sorted(os.walk(folder)):
    for name in sorted(names):
      yield os.path.join(parent, name)


def swift_number(value):
  """A number as the ledger's JSON writes it: whole ones without a fraction."""
  if isinstance(value, float):
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
  return str(value)


def swift_json(value):
  """JSON with sorted keys and no spaces, as the ledger writes it."""
  if isinstance(value, dict):
    return "{" + ",".join(f'"{key}":{swift_json(value[key])}' for key in sorted(value)) + "}"
  if isinstance(value, list):
    return "[" + ",".join(swift_json(item) for item in value) + "]"
  if isinstance(value, str):
    return json.dumps(value, ensure_ascii=False)
  return swift_number(value)


def sized(data):
  return struct.pack("<Q", len(data)) + data


def digest_of_set(records, classes, transform):
  """The name of a frozen set as the project computes it; see SnapshotDigest."""
  function = hashlib.sha256()
  for part in ["figment set of images 1", transform, "file"] + classes:
    function.update(sized(part.encode()))
  function.update(b"\xff")
  for content, label in sorted(records):
    function.update(content + struct.pack("<I", label))
  return function.hexdigest()


def commitments(records, classes, transform):
  """Hashes by which somebody might have named the set: the project's own and the obvious ones."""
  contents = sorted(content for content, _ in records)
  joined = b"".join(contents)
  texts = [content.hex() for content in contents]
  found = {
    "the digest of the frozen set": digest_of_set(records, classes, transform),
    "SHA-256 of all content hashes": hashlib.sha256(joined).hexdigest(),
    "SHA-256 of all content hashes as text": hashlib.sha256("".join(texts).encode()).hexdigest(),
    "SHA-256 of all content hashes, a line each": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
  }
  tree = contents
  while len(tree) > 1:
    pairs = itertools.zip_longest(tree[::2], tree[1::2], fillvalue=b"")
    tree = [hashlib.sha256(left + right).digest() for left, right in pairs]
  found["the root of a hash tree over the files"] = tree[0].hex() if tree else ""
  return found


def long_strings(data):
  """Everything in a file that could be a hash: 16 bytes or more in hexadecimal or base64."""
  text = data.decode("latin-1")
  for match in re.findall(r"[0-9a-fA-F]{32,}", text):
    yield match.lower()
  for match in re.findall(r"[A-Za-z0-9+/_-]{22,}={0,2}", text):
    try:
      yield base64.b64decode(match.replace("-", "+").replace("_", "/") + "==").hex()
    except ValueError:
      continue


def chained(entries):
  """The hash of the last line of a ledger that holds these (time, entry) pairs."""
  previous = BEGINNING
  for index, (time, entry) in enumerate(entries):
    body = f'{{"index":{index},"previous":"{previous}","time":"{time}","entry":{swift_json(entry)}'
    previous = hashlib.sha256(body.encode()).hexdigest()
  return previous


def ledger_heads(digest, statement, reply, root, software, slack):
  """Heads that a ledger with `digest` in its plan would have, over the times that nobody told."""
  identity = hashlib.sha256(os.path.realpath(root).encode()).hexdigest()[:32]
  mechanism, run = statement["mechanism"], statement["run"]
  access = {"kind": "gaussian", "noise_multiplier": mechanism["noise_multiplier"]}
  event = {"kind": "poisson_sampled", "probability": mechanism["sampling_probability"], "event": access}
  steps = sum(item["times"] for item in statement["accesses"])
  opening = {"kind": "root", "root": identity, "dataset": statement["dataset"], "unit": statement["unit"],
             "adjacency": statement["adjacency"]}
  plan = {"kind": "plan", "run": run, "attempt": 1, "snapshot": digest, "mechanism": mechanism,
          "event": {"kind": "repeated", "event": event, "times": steps},
          "delta": statement["total"]["delta"], "software": software}
  charges = reply["entries"]
  parse = lambda text: datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
  write = lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ")
  if any(not charge.get("time") for charge in charges):
    return
  times = [parse(charge["time"]) for charge in charges]
  # A settlement's time is not told: it lies between two reservations. The first lines come before them.
  gaps = [(times[i + 1] - times[i]).seconds for i in range(len(times) - 1)] + [slack]
  for before in range(slack + 1):
    start = write(times[0] - timedelta(seconds=before)) if times else None
    for offsets in itertools.islice(itertools.product(*[range(gap + 1) for gap in gaps]), 200000):
      lines = [(start, opening), (start, plan)]
      for number, (charge, time, offset) in enumerate(zip(charges, times, offsets)):
        lines.append((write(time), {
          "kind": "reserve", "reservation": number, "run": run, "attempt": 1, "event": event,
          "times": charge["reserved"], "purpose": "training"}))
        lines.append((write(time + timedelta(seconds=offset)), {
          "kind": "settle", "reservation": number, "used": charge.get("used", charge["reserved"])}))
      yield chained(lines)


def main():
  parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
  parser.add_argument("release")
  parser.add_argument("--known", required=True, help="all images but perhaps one")
  parser.add_argument("--candidate", required=True, help="the image whose membership is asked")
  parser.add_argument("--class", dest="label", help="the candidate's class (default: the first)")
  parser.add_argument("--ledger", help="the reply to a request for the ledger")
  parser.add_argument("--root", help="the dataset's folder, as the daemon knows it")
  parser.add_argument("--slack", type=int, default=3, help="seconds that unknown times may lie apart")
  options = parser.parse_args()
  classes = sorted(os.listdir(options.known))
  label = classes.index(options.label) if options.label else 0
  without = [
    (hashlib.sha256(read(path)).digest(), classes.index(os.path.relpath(path, options.known).split(os.sep)[0]))
    for path in files_of(options.known)]
  candidate = (hashlib.sha256(read(options.candidate)).digest(), label)
  recipe = json.loads(
    re.search(rb'"recipe":("(?:[^"\\]|\\.)*")', read(f"{options.release}/model/generator.safetensors")).group(1))
  image = json.loads(recipe)["image"]
  channels = "grey" if image["channels"] == 1 else "rgb"
  transforms = [f"{image['height']}×{image['width']} {channels}, {way}, by area, enlarged at most {most} times"
                for way in ("centreCrop", "stretch") for most in (1, 2, 4, 8, 16, 32)]
  sets = {"in": without + [candidate], "out": without}
  decided = []
  strings = {}
  for path in files_of(options.release):
    for found in long_strings(read(path)):
      strings.setdefault(found, os.path.relpath(path, options.release))
    time = os.lstat(path).st_mtime
    if time != FIXED_TIME:
      decided.append(f"{os.path.relpath(path, options.release)} carries the time {time}, which the clock decided")
  heads = {}
  statement = json.loads(read(f"{options.release}/privacy.json"))
  if statement.get("ledger"):
    heads[statement["ledger"]["hash"]] = "privacy.json"
  reply = json.loads(read(options.ledger)) if options.ledger else None
  if reply and reply.get("head"):
    heads[reply["head"]] = "the ledger's reply"
  for membership, records in sets.items():
    for transform in transforms:
      for name, value in commitments(records, classes, transform).items():
        for found, place in strings.items():
          if len(found) >= 32 and (value.startswith(found) or found in value):
            decided.append(f"{place} holds {name}: the candidate was {membership}")
      if reply and options.root:
        digest = digest_of_set(records, classes, transform)
        for head in ledger_heads(digest, statement, reply, options.root, statement["software"], options.slack):
          if head in heads:
            decided.append(f"{heads[head]} holds the head of a ledger over the set: the candidate was {membership}")
            break
  for content, _ in sets["in"]:
    if content.hex() in strings:
      decided.append(f"{strings[content.hex()]} holds the hash of an image")
  for line in dict.fromkeys(decided):
    print(line)
  if not decided:
    print(f"nothing in {len(strings)} long strings and all times tells whether the candidate was in the set")
  return 1 if decided else 0


if __name__ == "__main__":
  sys.exit(main())
