"""Fills the disks of the state and of the output while jobs work, and frees them later."""
import errno
import os
import subprocess
import time

import checks
from books import Books, state
from kills import MOMENTS, finish_all
from service import Service, wait_for_end

# A run needs about 60 MB of free space before it begins; disks fit all jobs of a round.
DISK_BYTES = 192 << 20
SECONDS_TO_ANSWER = 15
# What is on the disk, its kind, and the configuration of its free space: with such a small minimum, the daemon's own
# check does not stop it early, so writes can fail anywhere.
ROUNDS = [
  ("state", "tmpfs", ""),
  ("output", "tmpfs", ""),
  ("both", "tmpfs", "minimum_free: 1KiB"),
  ("both", "ext4", ""),
  ("state", "ext4", "minimum_free: 1KiB"),
  ("output", "ext4", "minimum_free: 1KiB"),
]


def reason_against_mounts():
  """The reason why no disk can be mounted here; None if one can."""
  if os.geteuid() != 0:
    return f"user {os.geteuid()} may not mount a disk (root expected)"
  folder = f"/tmp/figment-soak-mount-{os.getpid()}"
  os.makedirs(folder)
  try:
    tried = subprocess.run(
      ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True,
      check=False)
    if tried.returncode != 0:
      return f"no disk can be mounted here ({tried.stderr.strip()})"
    subprocess.run(["umount", folder], check=True)
    return None
  except OSError as error:
    return f"no disk can be mounted here ({error})"
  finally:
    os.rmdir(folder)


class Disk:
  """A small disk in a folder."""

  def __init__(self, kind, folder, image):
    self.folder, self.kind = folder, kind
    os.makedirs(folder, exist_ok=True)
    if kind == "ext4":
      with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
      # No blocks are reserved for root, so the disk is full for everybody.
      subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
      subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    else:
      subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], check=True)

  def fill(self, spared):
    """Fills the disk except for some bytes."""
    with open(f"{self.folder}/filler", "ab", buffering=0) as file:
      for size in (1 << 20, 1 << 16, 1 << 12, 1):
        try:
          while True:
            file.write(bytes(size))
        except OSError as error:
          if error.errno != errno.ENOSPC:
            raise
      if spared:
        file.truncate(max(0, file.tell() - spared))
      os.fsync(file.fileno())

  def make_room(self):
    if os.path.exists(f"{self.folder}/filler"):
      os.unlink(f"{self.folder}/filler")

  def remove(self):
    for _ in range(50):
      if subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode == 0:
        return
      time.sleep(0.1)


class Disks:
  """Fills disks the requested number of times."""

  def __init__(self, binaries, work, findings, luck):
    self.binaries, self.work, self.findings, self.luck = binaries, work, findings, luck

  def run(self, fillings):
    rounds = min(len(ROUNDS), fillings)
    for number in range(rounds):
      share = fillings * (number + 1) // rounds - fillings * number // rounds
      self.run_round(f"{self.work}/{number}", *ROUNDS[number], share)

  def run_round(self, work, place, kind, settings, fillings):
    """Some fillings of one kind of disk, with a separate daemon."""
    self.findings.say(f"        {place} on a small disk ({kind}) {settings}")
    os.makedirs(work, exist_ok=True)
    disk = Disk(kind, f"{work}/disk", f"{work}/disk.image")
    self.service = Service(
      self.binaries, work, state=f"{work}/disk/state" if place != "output" else None,
      output=f"{work}/disk/output" if place != "state" else None, settings=settings)
    self.books = Books(self.service, self.findings, self.luck, prefix="disks: ")
    checks.plant(self.service.output)
    try:
      self.service.begin()
      if self.books.expect("the daemon starts", self.service.wait_until_ready(), self.service.log):
        self.service.wait_until_read()
        for _ in range(fillings):
          if not self.fill_once(disk, f"{place}, {kind}"):
            break
        self.end()
    finally:
      self.service.give_up()
      disk.make_room()
      # After a failure the files stay for inspection.
      if self.findings.failures:
        subprocess.run(["cp", "-a", disk.folder, f"{work}/copy"], check=False)
      disk.remove()

  def fill_once(self, disk, words):
    """Fills the disk while a job works, checks, and frees space. Returns False if the rounds cannot continue."""
    while len(self.books.unfinished()) < 2:
      if self.books.submit() is None:
        return False
    moment = self.luck.choice([one for one, (_, has_come, _) in MOMENTS.items() if has_come])
    _, has_come, seconds = MOMENTS[moment]
    end = time.monotonic() + 4
    while not has_come(self.service) and time.monotonic() < end:
      time.sleep(0.0005)
    time.sleep(self.luck.random() * seconds)
    spared = self.luck.choice([0, 0, 0, self.luck.randrange(1 << 16)])
    disk.fill(spared)
    self.findings.count("fillings of a disk")
    self.findings.say(f"filling: {words}, {moment}; {spared} bytes stay free")
    goes_on = self.look_around()
    time.sleep(self.luck.random() * 4)
    deed = self.luck.choice(["none", "none", "kill", "stop", "kill a worker"])
    if goes_on and deed != "none":
      goes_on = self.start_again(deed)
    disk.make_room()
    if not goes_on:
      return False
    if self.luck.random() < 0.6 and not finish_all(self.books, 300):
      return False
    self.books.check()
    return True

  def look_around(self):
    """Checks whether the daemon answers without disk space."""
    for asked in (["status"], ["jobs"], ["datasets"], ["ledger"], ["ledger", "verify"]):
      said = self.service.ask(*asked)
      self.books.expect(
        "it answers without disk space", said.code == 0 and said.seconds < SECONDS_TO_ANSWER,
        f"{' '.join(asked)} in {said.seconds:.1f} s: {said.text}")
    if self.luck.random() < 0.3:
      waiting = [one["id"] for one in self.books.unfinished()]
      if waiting:
        said = self.service.ask("cancel", waiting[-1])
        # It may have ended in the meantime.
        self.books.expect(
          "it cancels jobs without disk space", said.code == 0 or "completed" in said.text or "failed" in said.text,
          said.text)
    return self.books.expect(
      "it keeps running without disk space", self.service.process.poll() is None, f"see {self.service.log}")

  def start_again(self, deed):
    """Kills or stops the daemon while there is no disk space, and starts it again."""
    self.findings.count(f"disks: full, and then: {deed}")
    if deed == "kill a worker":
      self.service.kill(False, True)
      return True
    if deed == "kill":
      wait_for_end(self.service.kill(True, False))
    else:
      self.books.expect("it stops cleanly without disk space", self.service.stop(), self.service.log)
    self.service.begin()
    if not self.books.expect(
        "it starts without disk space", self.service.wait_until_ready(), f"see {self.service.log}"):
      return False
    return self.look_around()

  def end(self):
    """Checks that all jobs end with enough disk space."""
    if not finish_all(self.books, 300):
      return
    self.books.check(thoroughly=True)
    # A killed worker may leave files until the daemon starts.
    self.books.expect("the daemon stops cleanly", self.service.stop(), self.service.log)
    self.service.begin()
    self.books.expect("the daemon starts", self.service.wait_until_ready(), self.service.log)
    self.books.check_at_rest()
    words = [
      job["state"]["failure"]["message"] for job in (self.books.jobs() or {}).values()
      if state(job) == "failed"]
    for text in words:
      self.books.expect(
        "failures are readable", not any(raw in text for raw in ("code: ", "(operation", "Error(")),
        text)
    self.books.expect("the daemon stops cleanly", self.service.stop(), self.service.log)
