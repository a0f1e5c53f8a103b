"""A daemon in scratch folders: starts, queries and kills it."""
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Tests"))
import tiny_recipes  # noqa: E402 (found by the line above)

RECIPES = {
  "soak-gan": tiny_recipes.gan("soak-gan", steps=60),
  "soak-pixel": tiny_recipes.pixel("soak-pixel", steps=60, channels=4),
}
DATASETS = ["glyphs", "shapes"]
IMAGES = 200
DELTA = "1e-3"

SECONDS_TO_START = 30
SECONDS_TO_ANSWER = 30
# A worker ends with its daemon, because it constantly reads its input and detects the end of it.
SECONDS_TO_FOLLOW = 10


class Answer:
  """The output of a command, its exit code and its duration."""

  def __init__(self, code, out, err, seconds):
    self.code, self.out, self.err, self.seconds = code, out, err, seconds

  @property
  def text(self):
    return (self.out + self.err).strip()

  def json(self):
    return json.loads(self.out)


def write(path, text):
  with open(path, "w", encoding="utf-8") as file:
    file.write(text)


def children(process):
  """The children of a process that still exist."""
  found = []
  try:
    for task in os.listdir(f"/proc/{process}/task"):
      with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as file:
        found += [int(word) for word in file.read().split()]
  except OSError:
    pass
  return found


def is_running(process, *verbs):
  """Whether a process that was started with a verb still runs; zombies do not count."""
  try:
    with open(f"/proc/{process}/cmdline", "rb") as file:
      words = file.read().split(b"\0")
    return any(verb.encode() in words for verb in verbs)
  except OSError:
    return False


class Service:
  """A daemon with its own state, output, two datasets and recipes."""

  def __init__(self, binaries, work, state=None, output=None, settings=""):
    self.binaries, self.work = binaries, work
    self.state, self.output = state or f"{work}/state", output or f"{work}/output"
    self.socket, self.log = f"{work}/control.sock", f"{work}/figmentd.log"
    self.process = None
    os.makedirs(f"{work}/recipes", exist_ok=True)
    for name, recipe in RECIPES.items():
      write(f"{work}/recipes/{name}.yaml", recipe)
    lines = [settings, "threads: 1", f"output: {self.output}", f"recipes: {work}/recipes", "datasets:"]
    for number, name in enumerate(DATASETS):
      root = self.root(name)
      if not os.path.exists(root):
        self.run("figmentd", "draw-glyphs", "--count", str(IMAGES), "--seed", str(number + 1), root)
      lines.append(
        f"  {name}: {{root: {root}, settle: 1, policy: "
        f"{{epsilon_max: 10000, delta: {float(DELTA)}, non_private: true}}}}")
    self.configuration = f"{work}/config.yaml"
    write(self.configuration, "\n".join(lines) + "\n")

  def root(self, dataset):
    return f"{self.work}/images-{dataset}"

  def run(self, program, *arguments):
    """Runs a program and expects it to end in time."""
    began = time.monotonic()
    try:
      done = subprocess.run(
        [f"{self.binaries}/{program}", *arguments], capture_output=True, text=True,
        timeout=SECONDS_TO_ANSWER, env={**os.environ, "FIGMENT_SOCKET": self.socket}, check=False)
      return Answer(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
    except subprocess.TimeoutExpired:
      return Answer(-1, "", f"no answer in {SECONDS_TO_ANSWER} s", time.monotonic() - began)

  def ask(self, *arguments):
    return self.run("figment", *arguments)

  def begin(self):
    """Starts the daemon without waiting for it."""
    with open(self.log, "ab") as log:
      self.process = subprocess.Popen(
        [f"{self.binaries}/figmentd", "serve", "--config", self.configuration, "--state", self.state,
         "--socket", self.socket], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

  def wait_until_ready(self):
    """Whether the daemon answers in time."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and self.process.poll() is None:
      if os.path.exists(self.socket) and self.ask("status").code == 0:
        return True
      time.sleep(0.02)
    return False

  def wait_until_read(self):
    """Whether all images of all datasets are known in time."""
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
      said = self.ask("datasets", "--json")
      if said.code == 0 and all(one["state"] == "ready" for one in said.json()):
        return True
      time.sleep(0.1)
    return False

  def workers(self):
    """The processes that currently work for jobs."""
    return [one for one in children(self.process.pid) if is_running(one, "engine-worker")]

  def kill(self, daemon, worker):
    """Kills the daemon, its workers or both. Returns the workers and their decoders."""
    workers = self.workers()
    decoders = [decoder for worker in workers for decoder in children(worker)]
    # A worker that lost its daemon ends by itself, so it is killed first if both are killed.
    if worker:
      for one in workers:
        try:
          os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
          pass
    if daemon:
      self.process.kill()
      self.process.wait()
    return workers + decoders

  def give_up(self):
    """Ends the daemon and its workers, whatever they do."""
    if self.process is not None and self.process.poll() is None:
      wait_for_end(self.kill(True, True))

  def stop(self):
    """Stops the daemon cleanly. Returns whether it stopped in time."""
    self.process.terminate()
    try:
      return self.process.wait(timeout=60) == 0
    except subprocess.TimeoutExpired:
      self.process.kill()
      self.process.wait()
      return False


def wait_for_end(processes):
  """Whether the workers and decoders that were not killed end by themselves in time."""
  end = time.monotonic() + SECONDS_TO_FOLLOW
  while any(is_running(one, "engine-worker", "decode-worker") for one in processes):
    if time.monotonic() > end:
      return False
    time.sleep(0.01)
  return True
