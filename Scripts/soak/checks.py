"""Invariants after a daemon or a run is killed, checked on the files without figment's own code."""
import hashlib
import json
import os
import time

LEAST_SHARE = 0.9
CANARIES = {
  "notes/thesis.txt": "Not figment's.\n",
  # Named like the unfinished set of an early version, but not one.
  "glyphs-1.tmp/holiday.txt": "Not figment's either.\n",
}


class Findings:
  """The number of checks of each kind, and the failures."""

  def __init__(self, log):
    self.counts, self.expected, self.failures, self.log = {}, set(), [], log

  def say(self, text):
    line = f"{time.strftime('%H:%M:%S')} {text}"
    print(line, flush=True)
    self.log.write(line + "\n")
    self.log.flush()

  def count(self, what, number=1):
    done, failed = self.counts.get(what, (0, 0))
    self.counts[what] = (done + number, failed)

  def expect(self, what, holds, words):
    """Counts a check, and prints the reason if it fails."""
    done, failed = self.counts.get(what, (0, 0))
    self.counts[what] = (done + 1, failed + (0 if holds else 1))
    self.expected.add(what)
    if not holds:
      self.failures.append(f"{what}: {words}")
      self.say(f"FAILED  {what}: {words}")
    return holds


def read(path):
  with open(path, "rb") as file:
    return file.read()


def files(folder):
  """The files below a folder, as paths relative to it."""
  found = []
  for place, _, names in os.walk(folder):
    found += [os.path.relpath(os.path.join(place, name), folder) for name in names]
  return sorted(found)


def digest(path):
  return hashlib.sha256(read(path)).hexdigest()


def tree(folder):
  """One digest of all files below a folder, their names and content."""
  whole = hashlib.sha256()
  for name in files(folder):
    whole.update(f"{name}\0{digest(os.path.join(folder, name))}\n".encode())
  return whole.hexdigest()


def problem_of_set(folder):
  """The problem of a synthetic set; None if every byte of it is right."""
  try:
    listed = json.loads(read(f"{folder}/manifest.json"))["files"]
  except (OSError, ValueError, KeyError) as error:
    return f"its manifest cannot be read ({error})"
  found = set(files(folder)) - {"manifest.json"}
  if found != set(listed):
    return f"files and manifest differ in {sorted(found ^ set(listed))[:3]}"
  for name, expected in listed.items():
    if digest(f"{folder}/{name}") != expected:
      return f"{name} does not match the manifest"
  # A set that was trained without privacy has no statement, and is in the internal folder.
  inside = os.path.basename(os.path.dirname(folder)) == "internal"
  needed = ["README.md"] + ([] if inside else ["privacy.json", "PRIVACY.md"])
  missing = [name for name in needed if name not in found]
  if missing:
    return f"{missing} are missing"
  images = [name for name in found if name.startswith("data/")]
  if not images:
    return "it has no image"
  if "metadata.jsonl" in found:
    lines = read(f"{folder}/metadata.jsonl").splitlines()
    if len(lines) != len(images):
      return f"{len(images)} images, and {len(lines)} lines of metadata"
  return None


def plant(output):
  """Puts other people's files into an output."""
  for name, text in CANARIES.items():
    os.makedirs(os.path.dirname(f"{output}/{name}"), exist_ok=True)
    with open(f"{output}/{name}", "w", encoding="utf-8") as file:
      file.write(text)


def problem_of_canaries(output):
  for name, text in CANARIES.items():
    try:
      if read(f"{output}/{name}").decode() != text:
        return f"{name} was changed"
    except OSError:
      return f"{name} is missing"
  return None


def sets(output):
  """The folders of an output that have names of sets, released or internal."""
  found = []
  for folder in (output, f"{output}/internal"):
    if os.path.isdir(folder):
      found += [
        f"{folder}/{name}" for name in sorted(os.listdir(folder))
        if os.path.isdir(f"{folder}/{name}") and not name.startswith(".")
        and not name.endswith(".tmp") and name not in ("internal", "notes")]
  return found


def is_temporary(name):
  return (
    name.endswith((".tmp", ".partial")) or name.startswith((".figment-", ".removed-", "holdout.pack"))
    or ".replaced-" in name or (name.startswith("images.pack") and name != "images.pack"))


def temporaries(*folders):
  """Files and folders that exist only temporarily, each with the number that distinguishes it from later ones."""
  found = set()
  for top in folders:
    for place, below, names in os.walk(top):
      for name in below + names:
        path = os.path.join(place, name)
        if is_temporary(name) and not path.endswith(tuple("/" + os.path.dirname(one) for one in CANARIES)):
          try:
            found.add((path, os.stat(path, follow_symlinks=False).st_ino))
          except OSError:
            pass
  return found


class Ledger:
  """The lines of a ledger. Reading them checks the chain and the mark."""

  def __init__(self, path, mark):
    self.problem, self.entries = None, []
    # A worker may still write: a ledger that is read later can only be newer than the mark.
    before = self.mark(mark)
    content = read(path)
    whole = content[:content.rfind(b"\n") + 1]
    previous, hashes = "0" * 64, []
    for number, line in enumerate(whole.splitlines()):
      body, _, rest = line.rpartition(b',"hash":"')
      fields = json.loads(line)
      if rest != hashlib.sha256(body).hexdigest().encode() + b'"}':
        self.problem = f"line {number}: its hash does not match"
      elif fields["previous"] != previous or fields["index"] != number:
        self.problem = f"line {number}: it does not follow the previous line"
      previous = fields["hash"]
      hashes.append(previous)
      self.entries.append(fields["entry"])
    after = self.mark(mark)
    if after is None:
      if len(hashes) > 1:
        self.problem = "it has lines but no mark"
    elif before and (before["line"] >= len(hashes) or hashes[before["line"]] != before["hash"]):
      self.problem = f"the mark at line {before['line']} is not of this ledger"
    # A grant is used only after its mark has moved, so at most the newest line may lack it.
    elif after["line"] < len(hashes) - 2:
      self.problem = f"{len(hashes) - 1 - after['line']} lines are newer than the mark"

  @staticmethod
  def mark(path):
    return json.loads(read(path)) if os.path.exists(path) else None

  def charged(self, run):
    """Training steps that a run was charged for."""
    total, open_reservations = 0, {}
    for entry in self.entries:
      if entry["kind"] == "reserve" and entry["run"] == run and entry["purpose"] == "training":
        open_reservations[entry["reservation"]] = entry["times"]
      elif entry["kind"] == "settle" and entry["reservation"] in open_reservations:
        total += entry["used"]
        del open_reservations[entry["reservation"]]
    return total + sum(open_reservations.values())

  def answers(self, run):
    """The questions that a run was charged for, one entry per charge."""
    return [
      entry["purpose"] for entry in self.entries
      if entry["kind"] == "reserve" and entry["run"] == run and entry["purpose"] != "training"]

  def runs(self):
    return {entry["run"] for entry in self.entries if entry["kind"] == "plan"}

  def released(self, run):
    """The manifests that were released by a run."""
    return [
      entry["artefact"] for entry in self.entries
      if entry["kind"] == "release" and entry["run"] == run]


def ledgers(state):
  """The ledgers of a state directory, by the name of their data folder."""
  found = {}
  top = f"{state}/ledgers"
  for name in sorted(os.listdir(top)) if os.path.isdir(top) else []:
    path = f"{top}/{name}/ledger.jsonl"
    if os.path.exists(path) and os.path.getsize(path) > 0:
      found[name] = Ledger(path, f"{state}/ledger-marks/{name}/ledger.mark")
  return found


def newest_checkpoint(folder):
  """The step of the newest checkpoint in a folder; None if there is none."""
  try:
    steps = [
      int(name[len("step-"):-len(".safetensors")]) for name in os.listdir(folder)
      if name.startswith("step-") and name.endswith(".safetensors")]
  except OSError:
    return None
  return max(steps, default=None)
