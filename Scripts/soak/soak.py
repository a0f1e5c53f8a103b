"""The parts of Scripts/soak.sh, and the table at the end."""
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import checks
from kills import Kills
from redraws import Redraws
from disks import Disks, reason_against_mounts

PARTS = {"kills": 1, "redraws": 5, "disks": 10}


def arguments():
  """The binaries, the number of kills and the requested parts."""
  binaries, rest = sys.argv[1], sys.argv[2:]
  kills = 100
  if rest and rest[0].isdigit():
    kills = int(rest.pop(0))
  unknown = [part for part in rest if part not in PARTS]
  if unknown:
    sys.exit(f"part '{unknown[0]}': unknown ({', '.join(PARTS)} expected)")
  return binaries, kills, rest or list(PARTS)


def table(findings, seconds):
  """Prints the actions and checks, one line each."""
  width = max(map(len, findings.counts), default=0)
  checked = {what: counts for what, counts in findings.counts.items() if what in findings.expected}
  print("\nDone")
  for what, (done, _) in findings.counts.items():
    if what not in checked:
      print(f"  {what:{width}}  {done:>7}")
  print("Checked" + " " * (width - 5) + "   times  failed")
  for what, (done, failed) in sorted(checked.items()):
    print(f"  {what:{width}}  {done:>7} {failed:>7}")
  print(f"{len(findings.failures)} failures in {seconds:.0f} s")


def main():
  binaries, kills, parts = arguments()
  # So that daemons and mounts are removed on every exit.
  signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
  seed = int(os.environ.get("SOAK_SEED", random.SystemRandom().randrange(10**6)))
  given = os.environ.get("SOAK_WORK")
  work = given or tempfile.mkdtemp(prefix="figment-soak.")
  os.makedirs(work, exist_ok=True)
  began, skipped = time.monotonic(), None
  with open(f"{work}/soak.log", "a", encoding="utf-8") as log:
    findings = checks.Findings(log)
    findings.say(f"seed {seed}, in {work}")
    for part in parts:
      luck, place = random.Random(f"{seed} {part}"), f"{work}/{part}"
      number = max(1, kills // PARTS[part])
      if part == "kills":
        Kills(binaries, place, findings, luck).run(number)
      elif part == "redraws":
        Redraws(binaries, place, findings, luck).run(number)
      else:
        skipped = reason_against_mounts()
        if skipped is None:
          Disks(binaries, place, findings, luck).run(number)
  table(findings, time.monotonic() - began)
  for failure in findings.failures[:50]:
    print(f"FAILED  {failure}")
  if findings.failures:
    print(f"seed {seed}; everything is in {work}")
    return 1
  if not given:
    shutil.rmtree(work)
  if skipped:
    print(f"SKIPPED: {skipped}. No disk was filled.")
    return 77
  return 0


if __name__ == "__main__":
  sys.exit(main())
