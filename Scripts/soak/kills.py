"""SIGKILL of a daemon with jobs, of its workers, or of both, at random and at chosen moments."""
import os
import time

import checks
from books import Books, state
from service import Service, wait_for_end

# The longest wait for a moment, in seconds; then the kill happens in any case.
PATIENCE = 5.0


def names(folder):
  try:
    return os.listdir(folder)
  except OSError:
    return []


def in_jobs(service, below, fits):
  """Whether some job currently has a file of a kind."""
  return any(
    fits(name) for job in names(f"{service.state}/jobs") if "-" in job
    for name in names(f"{service.state}/jobs/{job}/{below}"))


def drawn(service):
  """The sets that are being written."""
  return [
    f"{folder}/{name}" for folder in (service.output, f"{service.output}/internal")
    for name in names(folder) if name.startswith(".figment-")]


# Moments at which a kill may do harm, their weights, and the longest delay of the kill in seconds.
MOMENTS = {
  "at any moment": (5, lambda service: True, 4.0),
  "while the daemon starts": (2, None, 0.25),
  "while images are packed": (
    2, lambda service: in_jobs(service, "internal", lambda name: name.startswith("images.pack.")), 0.05),
  "while a checkpoint is written": (
    3, lambda service: in_jobs(service, "checkpoints", lambda name: name.endswith(".tmp")), 0.02),
  "before the first checkpoint": (
    2, lambda service: in_jobs(service, "internal", lambda name: name == "design.json"), 0.4),
  "while a set is drawn": (4, lambda service: bool(drawn(service)), 0.6),
  "while a set is published": (
    6, lambda service: any(os.path.exists(f"{one}/manifest.json") for one in drawn(service)), 0.04),
  "after a set is published": (
    2, lambda service: any(os.path.exists(f"{one}/manifest.json") for one in drawn(service)), 0.3),
}
# Moments that occur only at the beginning of a job.
EARLY = ["while images are packed", "before the first checkpoint"]
TARGETS = ["daemon", "daemon", "worker", "both"]


class Kills:
  """Kills the requested number of times."""

  def __init__(self, binaries, work, findings, luck):
    self.findings, self.luck = findings, luck
    self.service = Service(binaries, work)
    self.books = Books(self.service, findings, luck)
    checks.plant(self.service.output)
    self.launches = 0

  def run(self, kills):
    try:
      self.run_all(kills)
    finally:
      self.service.give_up()

  def run_all(self, kills):
    self.service.begin()
    if not self.books.expect("the daemon starts", self.service.wait_until_ready(), self.service.log):
      return
    self.service.wait_until_read()
    for number in range(kills):
      if not self.keep_busy():
        return
      if not self.kill_once(number):
        return
      self.books.check(thoroughly=number % 20 == 19)
    self.end()

  def keep_busy(self):
    """Ensures that there are jobs, and sometimes controls one. Returns False if there can be none."""
    jobs = self.books.jobs() or {}
    busy = [one for one in jobs.values() if state(one) in ("queued", "running", "stopping", "paused")]
    for job in jobs.values():
      if state(job) == "failed" and self.books.care(job):
        busy.append(job)
      elif state(job) == "paused":
        self.books.resume(job["id"])
    if busy and self.luck.random() < 0.08:
      verb = self.luck.choice(["pause", "cancel"])
      # It may have ended in the meantime.
      self.service.ask(verb, self.luck.choice(busy)["id"])
      self.findings.count(f"jobs with the command {verb}")
    if not busy:
      self.books.check()
      self.books.check_at_rest()
    wanted = 1 if busy or self.luck.random() < 0.7 else 2
    while len(busy) < wanted:
      if self.books.submit() is None:
        return False
      busy.append(None)
    return True

  def kill_once(self, number):
    """Waits for a moment, kills, and starts again. Returns False if that fails."""
    moment = self.luck.choices(list(MOMENTS), [one[0] for one in MOMENTS.values()])[0]
    if moment in EARLY and not self.books.has_early_job():
      moment = "while a set is published"
    _, has_come, seconds = MOMENTS[moment]
    target, pause = self.luck.choice(TARGETS), self.luck.random() * seconds
    if has_come is None:
      return self.kill_in_start(number, pause)
    end = time.monotonic() + PATIENCE
    while not has_come(self.service) and time.monotonic() < end:
      time.sleep(0.0005)
    if time.monotonic() >= end:
      moment = "at any moment"
    time.sleep(pause)
    workers = self.service.kill(target != "worker", target != "daemon")
    self.note(number, f"{moment}, {pause * 1000:.0f} ms: {target}" + ("" if workers else " (no job ran)"))
    self.findings.count(f"kills of {'the ' if target != 'both' else ''}{target}")
    self.findings.count(f"kills {moment}")
    if target == "worker":
      return self.books.expect("the daemon outlives its workers", self.service.process.poll() is None, "")
    return self.start_again(workers, waits=self.luck.random() < 0.7)

  def kill_in_start(self, number, pause):
    workers = self.service.kill(True, False)
    self.service.begin()
    time.sleep(pause)
    workers += self.service.kill(True, False)
    self.note(number, f"while the daemon starts, {pause * 1000:.0f} ms: daemon, twice")
    self.findings.count("kills of the daemon")
    self.findings.count("kills while the daemon starts")
    return self.start_again(workers, waits=True)

  def note(self, number, words):
    self.findings.say(f"kill {number + 1}: {words}")
    self.findings.count("kills")

  def start_again(self, workers, waits):
    """Starts the daemon, immediately or after the last worker of the previous one has ended."""
    left = set()
    if waits:
      self.books.expect("workers and decoders end with their daemon", wait_for_end(workers), f"{workers}")
      left = checks.temporaries(self.service.state, self.service.output)
      self.findings.count("temporary files that kills left", len(left))
    self.service.begin()
    if not self.books.expect(
        "the daemon starts", self.service.wait_until_ready(), f"see the end of {self.service.log}"):
      return False
    still = left & checks.temporaries(self.service.state, self.service.output)
    self.books.expect(
      "a start removes temporary files", not still, ", ".join(sorted(path for path, _ in still)))
    return True

  def end(self):
    """Lets all jobs end, and checks everything once more."""
    self.findings.say("        no more kills: waiting for the jobs to end")
    if not finish_all(self.books, 600):
      return
    self.books.check(thoroughly=True)
    self.books.check_at_rest()
    for name in list(self.books.manifests)[:20]:
      if "epsilon" in self.books.asked[name]:
        said = self.service.ask(
          "ledger", "verify", self.books.asked[name]["dataset"], "--release", self.books.place(name))
        self.books.expect("the ledger contains what a release names", said.code == 0, f"{name}: {said.text}")
    self.books.expect("the daemon stops cleanly", self.service.stop(), self.service.log)
    left = checks.temporaries(self.service.state, self.service.output)
    self.books.expect("no temporary file is left", not left, str(left))


def finish_all(books, seconds):
  """Lets all jobs end, with an operator's help. Returns whether they ended in time."""
  end = time.monotonic() + seconds
  while time.monotonic() < end:
    jobs = books.jobs()
    if jobs is None:
      return False
    busy = False
    for job in jobs.values():
      if state(job) == "failed":
        busy = books.care(job) or busy
      elif state(job) == "paused":
        books.resume(job["id"])
        busy = True
      elif state(job) in ("queued", "running", "stopping"):
        busy = True
    if not busy:
      return True
    time.sleep(0.3)
  waiting = [(one["id"], state(one)) for one in books.unfinished()]
  return books.expect("jobs end in time", False, f"not in {seconds} s: {waiting}")
