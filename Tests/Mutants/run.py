#!/usr/bin/env python3
"""Seeds each bug of mutants.py into the real sources and shows that a named test fails.

  Tests/Mutants/run.py                    all mutants; writes RESULTS.md again
  Tests/Mutants/run.py 6 24a              only these; RESULTS.md keeps the other rows
  Tests/Mutants/run.py --debug 135 136    the same in a debug build, which saves time for tests of runs and the daemon
  Tests/Mutants/run.py --list             lists the mutants
  Tests/Mutants/run.py --check            checks that every bug still fits into the sources; builds nothing

The tree is copied to a scratch folder, so the working tree is never touched. A bug is an exact
replacement that must match exactly once: a refactor makes the harness fail loudly, not pass.

  killed                   the named test ran and an expectation of it failed
  refused by the compiler  the bug does not compile, for the stated reason; its control does
  SURVIVED, COULD NOT APPLY, DID NOT COMPILE, CRASHED, NOT RUN, RED WITHOUT THE BUG: failures of the suite
"""
import argparse
import os
import re
import subprocess
import sys
import time

from mutants import MUTANTS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GOOD = ("killed", "refused by the compiler")


class Misfit(Exception):
  """A bug that no longer fits into the sources."""


def items_of(text, opening):
  """Splits the bracketed list that begins at `opening` into its items by counting brackets."""
  depth, start, items, index = 0, opening + 1, [], opening
  quoted = comment = False
  while True:
    letter = text[index]
    if comment:
      comment = letter != "\n"
    elif quoted:
      quoted = letter != '"'
    elif letter == '"':
      quoted = True
    elif text.startswith("//", index):
      comment = True
    elif letter in "([":
      depth += 1
    elif letter in ")]":
      depth -= 1
      if depth == 0:
        items.append(text[start:index])
        return [item for item in items if item.strip()], index
    elif letter == "," and depth == 1:
      items.append(text[start:index])
      start = index + 1
    index += 1


def trimmed_manifest(text, roots):
  """The manifest without every target, product and package that `roots` do not need."""
  begin = text.index("[", text.index("\n  targets: "))
  items, end = items_of(text, begin)
  targets = {re.search(r'name: "(\w+)"', item).group(1): item for item in items}
  kept, waiting = set(), list(roots)
  while waiting:
    name = waiting.pop()
    if name in kept:
      continue
    kept.add(name)
    item = re.sub(r"\.product\([^)]*\)", "", targets[name])
    waiting += [word for word in re.findall(r'"(\w+)"', item) if word in targets and word != name]
  text = (
    text[:begin] + "[" + ",".join(targets[name] for name in targets if name in kept)
    + ",\n  ]" + text[end + 1:])
  used = "".join(targets[name] for name in kept)
  constants = re.findall(r"^let (\w+): Target\.Dependency = (.*?\))$", text, re.M | re.S)
  packages = set(re.findall(r'package: "([^"]+)"', used))
  for name, value in constants:
    if re.search(r"\b" + name + r"\b", used):
      packages |= set(re.findall(r'package: "([^"]+)"', value))
  begin = text.index("[", text.index("\n  dependencies: "))
  items, end = items_of(text, begin)
  lines = [item for item in items if any(re.search(rf"/{re.escape(package)}(\.git)?\"", item) for package in packages)]
  text = text[:begin] + "[" + ",".join(lines) + "]" + text[end + 1:]
  begin = text.index("[", text.index("\n  products: "))
  items, end = items_of(text, begin)
  lines = [item for item in items if re.search(r'name: "(\w+)"', item).group(1) in kept]
  return text[:begin] + "[" + ",".join(lines) + "]" + text[end + 1:]


def files_to_copy():
  """All files that a build needs, as paths from the root."""
  listed = subprocess.run(
    ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "Sources", "Tests", "Models", "Scripts",
     "Systemd", "*.md"],
    capture_output=True, text=True, check=True).stdout.split("\n")
  return [path for path in listed if path and os.path.exists(os.path.join(ROOT, path))]


def write(path, data):
  """Writes a file unless it contains `data` already, so that builds remain incremental."""
  if os.path.exists(path):
    with open(path, "rb") as file:
      if file.read() == data:
        return
  os.makedirs(os.path.dirname(path), exist_ok=True)
  with open(path, "wb") as file:
    file.write(data)


def read(path):
  with open(path, "rb") as file:
    return file.read()


def seeded(edits):
  """The contents of the files that `edits` change; throws when one does not match exactly once."""
  changed = {}
  for path, old, new in edits:
    try:
      text = changed.get(path) or read(os.path.join(ROOT, path)).decode()
    except FileNotFoundError:
      raise Misfit(f"{path} is gone") from None
    count = text.count(old)
    if count != 1:
      raise Misfit(f"{path}: the text to replace is there {count} times (once expected)")
    changed[path] = text.replace(old, new)
  return changed


class Bench:
  """The copied tree and its builds."""

  def __init__(self, scratch, is_debug):
    self.tree = os.path.join(scratch, "tree")
    self.is_debug = is_debug
    self.build = os.path.join(scratch, "build-debug" if is_debug else "build")
    self.logs = os.path.join(scratch, "logs")
    os.makedirs(self.logs, exist_ok=True)
    self.manifest = read(os.path.join(ROOT, "Package.swift")).decode()
    wanted = set(files_to_copy())
    for path in wanted:
      write(os.path.join(self.tree, path), read(os.path.join(ROOT, path)))
    for folder, _, names in os.walk(self.tree):
      for name in names:
        path = os.path.relpath(os.path.join(folder, name), self.tree)
        if path not in wanted and not path.startswith("Package."):
          os.remove(os.path.join(self.tree, path))
    data = os.environ.get("FIGMENT_TEST_DATA", os.path.join(ROOT, "..", "shared", "data"))
    self.environment = dict(os.environ, FIGMENT_TEST_DATA=os.path.abspath(data))

  def swift(self, arguments, log):
    kind = ["-c", "debug"] if self.is_debug else ["-c", "release", "-Xswiftc", "-enable-testing"]
    command = ["swift"] + arguments[:1] + kind + ["--scratch-path", self.build] + arguments[1:]
    path = os.path.join(self.logs, log)
    with open(path, "w") as file:
      status = subprocess.run(
        command, cwd=self.tree, env=self.environment, stdout=file, stderr=subprocess.STDOUT).returncode
    return status, read(path).decode(errors="replace")

  def use(self, target):
    text = trimmed_manifest(self.manifest, [target])
    write(os.path.join(self.tree, "Package.swift"), text.encode())

  def seed(self, changed):
    for path, text in changed.items():
      write(os.path.join(self.tree, path), text.encode())

  def restore(self, changed):
    for path in changed:
      write(os.path.join(self.tree, path), read(os.path.join(ROOT, path)))

  def test(self, mutant, edits, log):
    """Builds with `edits` and runs the named test; returns the result and its details."""
    changed = seeded(edits)
    self.use(mutant.target)
    self.seed(changed)
    try:
      return self.run(mutant, log)
    finally:
      self.restore(changed)

  def run(self, mutant, log):
    status, output = self.swift(["build", "--build-tests"], log + ".build")
    if status != 0:
      found = re.findall(r"error: .*", output)
      return "DID NOT COMPILE", found[0] if found else output[-300:]
    status, output = self.swift(
      ["test", "--skip-build", "--filter", f"{mutant.target}\\.{mutant.suite}/{mutant.test}"],
      log + ".test")
    ran = re.findall(r"[✔✘] Test (?:case passing .* to )?(\w+)\(", output)
    failures = re.findall(
      rf"Test {mutant.test}\(.*recorded an issue.*: (Expectation failed: .*)", output)
    if re.search(r"unexpected signal|Fatal error|signal code", output):
      return "CRASHED", "the test process ended by a signal"
    if mutant.test not in ran:
      return "NOT RUN", f"no test {mutant.suite}/{mutant.test}"
    if status == 0:
      return "SURVIVED", ""
    if not failures:
      return "NO EXPECTATION FAILED", "red, but not by an expectation of the named test"
    return "killed", failures[0]

  def compile(self, mutant, edits, log):
    """Compiles the target alone with `edits`; returns the errors."""
    changed = seeded(edits)
    self.use(mutant.target)
    self.seed(changed)
    try:
      status, output = self.swift(["build", "--target", mutant.module], log + ".build")
    finally:
      self.restore(changed)
    errors = sorted(set(re.findall(r"(Sources/\S+?):\d+:\d+: error: (.*)", output)))
    return status, errors


def refused(bench, mutant):
  status, errors = bench.compile(mutant, mutant.control, mutant.number + "-control")
  if status != 0:
    return "DID NOT COMPILE", f"the control: {errors[:1]}"
  status, errors = bench.compile(mutant, mutant.edits, mutant.number)
  if status == 0:
    return "SURVIVED", "the bug compiles"
  places = {path for path, _, _ in mutant.edits}
  if not errors or any(path not in places for path, _ in errors):
    return "DID NOT COMPILE", f"errors elsewhere: {errors[:1]}"
  if not all(re.search(mutant.message, text) for _, text in errors):
    return "DID NOT COMPILE", f"for another reason: {errors[0][1]}"
  return "refused by the compiler", errors[0][1]


def judged(bench, mutant, healthy):
  try:
    if mutant.message:
      return refused(bench, mutant)
    key = (mutant.target, mutant.suite, mutant.test)
    if healthy[key][0] != "SURVIVED":
      return "RED WITHOUT THE BUG", healthy[key][1]
    return bench.test(mutant, mutant.edits, mutant.number)
  except Misfit as misfit:
    return "COULD NOT APPLY", str(misfit)


def shortened(found):
  text = re.sub(r"\s+", " ", found)
  return text if len(text) <= 110 else text[:107] + "..."


def row(mutant, result, found):
  test = f"`{mutant.module}` does not compile" if mutant.message else f"`{mutant.suite}/{mutant.test}`"
  text = shortened(found).replace("|", "\\|")
  return f"| {mutant.number} | {mutant.title} | {test} | {result} | {text.replace('`', '')} |"


def write_results(rows):
  path = os.path.join(HERE, "RESULTS.md")
  kept = {}
  if os.path.exists(path):
    for line in read(path).decode().split("\n"):
      match = re.match(r"\| (\d+\w?) \|", line)
      if match:
        kept[match.group(1)] = line
  kept.update(rows)
  known = [mutant.number for mutant in MUTANTS]
  lines = [kept[number] for number in known if number in kept]
  numbers = {re.sub(r"\D", "", line.split("|")[1]) for line in lines}
  bad = {re.sub(r"\D", "", line.split("|")[1]) for line in lines if line.split(" | ")[3] not in GOOD}
  # A bug may be seeded in several forms, such as 24a and 24b.
  wanted = {re.sub(r"\D", "", number) for number in known}
  compiler = sum(line.split(" | ")[3] == GOOD[1] for line in lines)
  listed = lambda some: ", ".join(sorted(some, key=int)) or "none"
  text = f"""# Mutants: results

Written by `Tests/Mutants/run.py`; a row stays until its mutant runs again.

**{len(numbers - bad)} of {len(wanted)} bugs are caught**: {sum(line.split(" | ")[3] == GOOD[0] for line in lines)} mutants killed by
a named test, {compiler} refused by the compiler.

- Not yet run: {listed(wanted - numbers)}.
- Not caught: {listed(bad)}.

| Number | Bug | Named test | Result | What failed |
|---|---|---|---|---|
""" + "\n".join(lines) + "\n"
  with open(path, "w") as file:
    file.write(text)
  return numbers == wanted and not bad


def main():
  parser = argparse.ArgumentParser(description="Seeds bugs and shows that tests find them.")
  parser.add_argument("numbers", nargs="*")
  parser.add_argument("--scratch", default=os.path.join(ROOT, ".build-mutants"))
  parser.add_argument(
    "--debug", action="store_true",
    help="build for debugging: faster where no named test trains for long, because few files are compiled again")
  parser.add_argument("--list", action="store_true")
  parser.add_argument("--check", action="store_true")
  options = parser.parse_args()
  numbers = [mutant.number for mutant in MUTANTS]
  twice = sorted({number for number in numbers if numbers.count(number) > 1})
  if twice:
    parser.error(f"two bugs have one number: {', '.join(twice)}")
  unknown = set(options.numbers) - {mutant.number for mutant in MUTANTS}
  if unknown:
    parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
  chosen = [mutant for mutant in MUTANTS if not options.numbers or mutant.number in options.numbers]
  if options.list or options.check:
    misfits = 0
    for mutant in chosen:
      state = ""
      if options.check:
        try:
          seeded(mutant.edits)
          seeded(mutant.control)
        except Misfit as misfit:
          misfits += 1
          state = f": COULD NOT APPLY: {misfit}"
      print(f"{mutant.number:>4}  {mutant.title}{state}")
    return 1 if misfits else 0
  bench, healthy, rows = Bench(options.scratch, options.debug), {}, {}
  # Neighbours share a build.
  chosen.sort(key=lambda mutant: mutant.target)
  for place, mutant in enumerate(chosen):
    if place == 0 or chosen[place - 1].target != mutant.target:
      # Without the bugs the tests must pass, or their failures prove nothing; one build shows it.
      for other in chosen:
        key = (other.target, other.suite, other.test)
        if other.target == mutant.target and not other.message and key not in healthy:
          healthy[key] = bench.test(other, [], other.number + "-healthy")
    began = time.monotonic()
    result, found = judged(bench, mutant, healthy)
    seconds = time.monotonic() - began
    print(
      f"{mutant.number:>4}  {result:<24} {seconds:4.0f} s  {mutant.title}: {shortened(found)}", flush=True)
    rows[mutant.number] = row(mutant, result, found)
    complete = write_results(rows)
  failed = [line for line in rows.values() if line.split(" | ")[3] not in GOOD]
  return 0 if complete and not failed else 1


if __name__ == "__main__":
  sys.exit(main())
