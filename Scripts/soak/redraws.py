"""SIGKILL of `figmentd run` while it trains, draws, publishes, and redraws its own set."""
import os
import shutil
import subprocess
import time

import checks
from kills import names
from service import DELTA, DATASETS, Service

SECONDS_TO_END = 300


class Redraws:
  """Runs that are restarted until they end, each time with another number of images."""

  def __init__(self, binaries, work, findings, luck):
    self.findings, self.luck = findings, luck
    self.binaries, self.work = binaries, work
    self.service = Service(binaries, work)
    self.images = {name: checks.tree(self.service.root(name)) for name in DATASETS}
    self.kills, self.number, self.process = 0, 0, None

  def expect(self, what, holds, words):
    return self.findings.expect("runs: " + what, holds, words)

  def run(self, kills):
    try:
      while self.kills < kills:
        if not self.follow_one(kills):
          return
    finally:
      if self.process is not None:
        self.process.kill()
    for name, before in self.images.items():
      self.expect("the images stay unchanged", checks.tree(self.service.root(name)) == before, name)

  def follow_one(self, kills):
    """Follows one run from its first order to its last redraw. Returns False if it cannot end."""
    self.number += 1
    self.output = f"{self.work}/out-{self.number}"
    self.state, self.run_name = f"{self.work}/runs", f"run-{self.number}"
    self.place = f"{self.output}/release/{self.run_name}"
    self.steps, self.allows = self.luck.choice([20, 40, 200]), False
    self.dataset = self.luck.choice(DATASETS)
    self.recipe = self.luck.choice(["soak-gan", "soak-pixel"])
    checks.plant(f"{self.output}/release")
    self.whole = None
    for _ in range(4):
      if not self.draw(self.luck.choice([24, 60, 160]), kills):
        return False
    shutil.rmtree(self.output)
    return True

  def begin(self, count):
    asked = [
      "run", "--images", self.service.root(self.dataset), "--recipe", self.recipe, "--recipes",
      f"{self.work}/recipes", "--epsilon", "4", "--delta", DELTA, "--steps", str(self.steps), "--count",
      str(count), "--output", self.output, "--state", self.state, "--name", self.run_name, "--threads", "1", "--seed",
      str(self.number)]
    if self.allows:
      asked.append("--allow-fewer-steps")
    with open(f"{self.work}/run.log", "wb") as log:
      self.process = subprocess.Popen(
        [f"{self.binaries}/figmentd", *asked], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
      return self.process

  def draw(self, count, kills):
    """Orders a number of images and kills sometimes, until the set exists. Returns False if it never does."""
    last = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < last:
      run = self.begin(count)
      if self.kills < kills and self.luck.random() < 0.8:
        self.kill(run)
        self.check()
        continue
      code = run.wait()
      said = checks.read(f"{self.work}/run.log").decode(errors="replace")
      if code == 0:
        return self.check_end(count)
      if "planned steps were made" in said and not self.allows:
        self.findings.count("runs: trainings cut short by more than a tenth")
        self.expect("untrained models are not released", self.whole is not None
                    or not os.path.exists(self.place), said)
        self.allows = True
        continue
      return self.expect("no run fails", False, said.strip()[-400:])
    return self.expect("runs end in time", False, f"{self.run_name}: not in {SECONDS_TO_END} s")

  def kill(self, run):
    """Kills at a random moment, often in the middle of a publication."""
    moment = self.luck.choice(["any", "drawn", "published", "published", "published"])
    end = time.monotonic() + 4
    while time.monotonic() < end and run.poll() is None and moment != "any":
      drawn = [one for one in names(f"{self.output}/release") if one.startswith(".figment-")]
      if drawn and (moment == "drawn" or any(
          os.path.exists(f"{self.output}/release/{one}/manifest.json") for one in drawn)):
        break
    time.sleep(self.luck.random() * {"any": 3, "drawn": 0.2, "published": 0.04}[moment])
    if run.poll() is None:
      run.kill()
      self.kills += 1
      self.findings.count("kills of figmentd run")
      self.findings.say(f"kill {self.kills} of figmentd run: {self.run_name}, {moment}")
    run.wait()

  def check(self):
    """Checks that the set is the old or the new one, and that other people's files are unchanged."""
    if os.path.exists(self.place):
      problem = checks.problem_of_set(self.place)
      self.expect("sets are complete", problem is None, f"{self.place}: {problem}")
    else:
      self.expect("an existing set stays", self.whole is None, f"{self.place} is missing")
    problem = checks.problem_of_canaries(f"{self.output}/release")
    self.expect("other people's files stay", problem is None, problem)
    newest = checks.newest_checkpoint(f"{self.output}/internal/{self.run_name}/checkpoints")
    for name, ledger in checks.ledgers(self.state).items():
      self.expect("ledgers are intact", ledger.problem is None, f"{name}: {ledger.problem}")
      for run in ledger.runs():
        # Its name in the ledger has a random suffix.
        if run.startswith(self.run_name + "-"):
          charged = ledger.charged(run)
          self.expect(
            "models are paid for", newest is None or newest <= charged <= self.steps,
            f"{run}: a checkpoint of {newest} steps, {charged} of {self.steps} charged")

  def check_end(self, count):
    self.findings.count("runs: sets drawn")
    self.whole = self.place
    self.check()
    images = [one for one in checks.files(self.place) if one.startswith("data/")]
    self.expect("sets have all their images", len(images) == count, f"{len(images)} of {count}")
    newest = checks.newest_checkpoint(f"{self.output}/internal/{self.run_name}/checkpoints") or 0
    self.expect(
      "released models are trained", self.allows or newest >= checks.LEAST_SHARE * self.steps,
      f"{self.run_name}: {newest} of {self.steps} steps")
    left = checks.temporaries(self.output, self.state)
    self.expect("no temporary file is left", not left, ", ".join(sorted(path for path, _ in left)))
    return True
