"""The known state of one daemon's jobs, and the checks that depend on it."""
import os
import random

import checks
from service import DATASETS, DELTA

# Phrases in the failure of a job that found no disk space.
ROOM = ["No space left", "no room", "disk is full", "disk was full", "are free on its disk"]
STEPS = [20, 20, 40, 60, 200]


class Books:
  """Submits jobs, records their outcomes, and checks all invariants about them."""

  def __init__(self, service, findings, luck=None, prefix=""):
    self.service, self.findings, self.luck = service, findings, luck or random.Random(0)
    self.prefix = prefix
    self.asked, self.manifests, self.spent, self.allowed = {}, {}, {}, set()
    self.refused, self.cancelled = set(), set()
    self.roots = {name: checks.tree(service.root(name)) for name in DATASETS}
    self.checked = set()

  def expect(self, what, holds, words):
    return self.findings.expect(self.prefix + what, holds, words)

  # Requests

  def jobs(self):
    """All jobs, by name; None if the daemon did not answer."""
    said = self.service.ask("jobs", "--json")
    if not self.expect("the daemon answers", said.code == 0, f"jobs: {said.text}"):
      return None
    return {one["id"]: one for one in said.json()}

  def unfinished(self):
    jobs = self.jobs() or {}
    return [one for one in jobs.values() if state(one) in ("queued", "running", "stopping", "paused")]

  def has_early_job(self):
    """Whether a job that trains has no checkpoint yet."""
    return any(
      one["request"]["kind"] == "train" and checks.newest_checkpoint(
        f"{self.service.state}/jobs/{one['id']}/checkpoints") is None for one in self.unfinished())

  def submit(self):
    """Submits a job of a random kind. Returns its name, or None if it was refused."""
    luck = self.luck
    done = [
      name for name, one in (self.jobs() or {}).items()
      if state(one) == "completed" and one["request"]["kind"] == "train" and "epsilon" in one["request"]]
    count = str(luck.choice([24, 40, 64, 160]))
    if done and luck.random() < 0.3:
      asked = ["generate", luck.choice(done), "--count", count]
    else:
      steps = luck.choice(STEPS)
      asked = [
        "train", luck.choice(DATASETS), "--recipe", luck.choice(["soak-gan", "soak-pixel"]),
        "--steps", str(steps), "--count", count]
      if luck.random() < 0.1:
        asked += ["--non-private"]
      else:
        asked += ["--epsilon", luck.choice(["4", "8"]), "--delta", DELTA]
        if luck.random() < 0.2:
          asked += ["--count-epsilon", "0.5"]
        if luck.random() < 0.2:
          asked += ["--score-epsilon", "0.5"]
    said = self.service.ask(*asked, "--json")
    if not self.expect("a job is accepted", said.code == 0, f"{' '.join(asked)}: {said.text}"):
      return None
    name = said.json()["id"]
    self.expect("no job gets the name of another", name not in self.asked, name)
    self.asked[name] = said.json()["request"]
    self.findings.count(self.prefix + "jobs")
    self.findings.say(f"        {name}: {' '.join(asked)}")
    return name

  def care(self, job):
    """Handles a failed job like an operator. Returns whether there was anything to do."""
    name, reason = job["id"], job["state"].get("failure", {}).get("message", "")
    if name in self.refused:
      return False
    if "times before its first checkpoint" in reason or "times after step" in reason:
      self.resume(name)
    elif "planned steps were made" in reason:
      self.expect(
        "untrained models are not released", not os.path.exists(self.place(name)),
        f"{name}: {reason}, but {self.place(name)} exists")
      self.findings.count(self.prefix + "trainings cut short by more than a tenth")
      if self.luck.random() < 0.5:
        self.refused.add(name)
        return False
      self.allowed.add(name)
      self.resume(name, "--allow-fewer-steps")
    elif "free on its disk" in reason:
      # Refused before it began: if a disk has no space for all files of a run, no budget is spent.
      self.findings.count(self.prefix + "jobs refused before they began, for lack of disk space")
      self.resume(name)
    elif any(word in reason for word in ROOM):
      self.expect("jobs wait for disk space and continue by themselves", False, f"{name}: {reason}")
      self.resume(name)
    else:
      self.expect("no job fails", False, f"{name}: {reason}")
      self.refused.add(name)
      return False
    return True

  def resume(self, name, *options):
    said = self.service.ask("resume", name, *options, "--json")
    self.expect("a failed job is resumed", said.code == 0, f"{name}: {said.text}")

  def place(self, name):
    private = "epsilon" in self.asked[name] or self.asked[name]["kind"] == "generate"
    return f"{self.service.output}/{'' if private else 'internal/'}{name}"

  # Invariants

  def check(self, thoroughly=False):
    """Checks everything that must hold at any moment, while jobs run."""
    jobs = self.jobs()
    if jobs is None:
      return
    self.check_sets(jobs, thoroughly)
    self.check_ledgers()
    problem = checks.problem_of_canaries(self.service.output)
    self.expect("other people's files stay", problem is None, problem)

  def check_sets(self, jobs, thoroughly):
    """Checks that all sets are complete, and those of finished jobs unchanged."""
    places = {self.place(name): name for name in self.asked}
    for folder in checks.sets(self.service.output):
      name = places.get(folder)
      self.expect("each set belongs to a job", name is not None, folder)
      if name is None:
        continue
      if thoroughly or folder not in self.checked:
        problem = checks.problem_of_set(folder)
        self.expect("sets are complete", problem is None, f"{folder}: {problem}")
      else:
        self.expect(
          "sets are complete", os.path.exists(f"{folder}/manifest.json"), f"{folder}: no manifest")
      if name in jobs and state(jobs[name]) == "completed" and folder not in self.checked:
        self.checked.add(folder)
        self.check_made(jobs[name], folder)
    for name, manifest in self.manifests.items():
      path = f"{self.place(name)}/manifest.json"
      self.expect(
        "finished sets stay unchanged", os.path.exists(path) and checks.digest(path) == manifest,
        f"{path} is not what {name} wrote")

  def check_made(self, job, folder):
    """Checks that a finished set has the requested number of images and the reported number of steps."""
    name, results = job["id"], job["state"]["results"]
    self.manifests[name] = checks.digest(f"{folder}/manifest.json")
    images = [one for one in checks.files(folder) if one.startswith("data/")]
    self.expect(
      "sets have all their images", len(images) == job["request"]["count"],
      f"{name}: {len(images)} of {job['request']['count']}")
    if job["request"]["kind"] != "train":
      return
    made, planned = results["steps"], job["request"]["steps"]
    enough = made >= checks.LEAST_SHARE * planned
    self.expect(
      "released models are trained", enough or name in self.allowed, f"{name}: {made} of {planned} steps")
    self.expect(
      "lost steps are reported", made == planned or results.get("planned_steps") == planned,
      f"{name}: {made} of {planned} steps, reported: {results.get('planned_steps')}")
    newest = checks.newest_checkpoint(f"{self.service.state}/jobs/{name}/checkpoints")
    self.expect("the model is the one of its last step", newest == made, f"{name}: {newest}, {made}")
    if "epsilon" in job["request"]:
      runs = [one for one in checks.ledgers(self.service.state).values() if name in one.runs()]
      self.expect(
        "the ledger names the released files", len(runs) == 1 and self.manifests[name] in runs[0].released(name),
        f"{name}: the manifest {self.manifests[name]} is missing")

  def check_ledgers(self):
    """Checks that ledgers are intact, never lose entries, and cover all steps of the models."""
    # Checkpoints are read first: a ledger that is read later can only contain more.
    steps = {
      run: checks.newest_checkpoint(f"{self.service.state}/jobs/{run}/checkpoints") for run in self.asked}
    for name, ledger in checks.ledgers(self.service.state).items():
      self.expect("ledgers are intact", ledger.problem is None, f"{name}: {ledger.problem}")
      for run in ledger.runs():
        self.check_run(ledger, run, steps.get(run))
    for dataset in DATASETS:
      said = self.service.ask("ledger", "verify", dataset, "--json")
      self.expect("ledgers are verified", said.code == 0, f"{dataset}: {said.text}")
      if said.code != 0:
        continue
      budget = said.json()[0]["budget"]
      spent = budget.get("epsilon_spent") or 0
      # Sums of floating-point numbers are rounded.
      self.expect(
        "spent budgets stay spent", spent >= self.spent.get(dataset, 0) * (1 - 1e-9),
        f"{dataset}: {spent} after {self.spent.get(dataset)}")
      self.expect(
        "budgets are not exceeded", spent <= budget["epsilon_maximum"], f"{dataset}: epsilon {spent}")
      self.spent[dataset] = spent

  def check_run(self, ledger, run, newest):
    charged = ledger.charged(run)
    self.expect(
      "models are paid for", newest is None or newest <= charged,
      f"{run}: a checkpoint of {newest} steps, {charged} charged")
    announced = self.asked.get(run, {}).get("steps", 0)
    self.expect(
      "charges do not exceed the announced plan", charged <= announced, f"{run}: {charged} of {announced}")
    answers = ledger.answers(run)
    self.expect("no answer is paid twice", len(answers) == len(set(answers)), f"{run}: {answers}")

  def check_at_rest(self):
    """Checks what must hold when no job is left."""
    left = checks.temporaries(self.service.state, self.service.output)
    self.expect("no temporary file is left", not left, ", ".join(sorted(path for path, _ in left)))
    for name, before in self.roots.items():
      self.expect("the images stay unchanged", checks.tree(self.service.root(name)) == before, name)
    for name, job in (self.jobs() or {}).items():
      if state(job) == "completed":
        self.expect("finished jobs have their set", name in self.manifests, name)
      elif state(job) == "cancelled":
        self.expect(
          "cancelled jobs keep no pixels",
          not os.path.exists(f"{self.service.state}/jobs/{name}/internal/images.pack"), name)


def state(job):
  """The state of a job."""
  return job["state"]["name"]
