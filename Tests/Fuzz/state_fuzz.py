#!/usr/bin/env python3
"""Changes saved files of a small real state and starts the programs on them; see README.md.

A finding is a program that dies of a signal or a sanitizer, takes too much memory or time, shows an error as Swift writes it,
writes where nothing is to be written, or tells a privacy loss that is not the one that was spent.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import damage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tiny_recipes  # noqa: E402 (found by the line above)

PRIVATE = ["--epsilon", "8", "--delta", "1e-5"]
RAW = [
    "unexpected error", "DecodingError", "(operation:", "Fatal error", "Optional(", "NSCocoaError",
    "dataCorrupted", "keyNotFound", "typeMismatch", "debugDescription", "_Concurrency", "Error Domain",
]
DEATHS = ["AddressSanitizer", "was killed by", "ended by signal", "ended with signal", "hard rss limit"]
MEMORY_LIMIT_MB = 1500


class Finding(Exception):
    pass


class Fuzzer:
    def __init__(self, options):
        self.bin = os.path.abspath(options.bin)
        self.folder = os.path.abspath(options.folder)
        self.base, self.work = self.folder + "/base", self.folder + "/work"
        # Paths of sockets are short.
        self.socket = tempfile.mkdtemp(prefix="figment-fuzz-") + "/socket"
        self.rng = random.Random(options.seed)
        self.time_limit = options.time_limit
        self.counts = {"programs": 0, "refused": 0, "done": 0}
        self.epsilons = {}
        self.log = []

    # Programs

    def start(self, *arguments, name="figmentd", **more):
        environment = dict(
            os.environ,
            ASAN_OPTIONS=f"detect_leaks=0:exitcode=99:handle_sigill=1:hard_rss_limit_mb={MEMORY_LIMIT_MB}"
            ":allocator_may_return_null=1",
            FIGMENT_SOCKET=self.socket,
            HOME=self.folder + "/home",
        )
        self.counts["programs"] += 1
        return subprocess.Popen(
            [f"{self.bin}/{name}", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment, cwd=self.folder, **more)

    def run(self, *arguments, name="figmentd"):
        """Runs a program to its end; its exit code and what it said."""
        process = self.start(*arguments, name=name)
        try:
            output, _ = process.communicate(timeout=self.time_limit)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            self.judge(name, arguments, None, output)
        text = output.decode(errors="replace")
        self.judge(name, arguments, process.returncode, output)
        self.counts["done" if process.returncode == 0 else "refused"] += 1
        return process.returncode, text

    def judge(self, name, arguments, code, output):
        text = output.decode(errors="replace")
        self.log.append(f"$ {name} {' '.join(arguments)}\n{text[-20_000:]}\nexit code {code}\n")
        if code is None:
            raise Finding(f"not done after {self.time_limit} s")
        if code < 0 or code in (99, 132, 133, 134, 139):
            raise Finding(f"ended with {code}")
        for word in RAW + DEATHS:
            if word in text:
                raise Finding(f"said '{word}'")

    # The state that is changed

    def must(self, *arguments, **more):
        code, text = self.run(*arguments, **more)
        if code != 0:
            sys.exit(f"{arguments}: exit code {code}\n{text}")
        return text

    def foreground(self, name, recipe, *more):
        return [
            "run", "--images", self.folder + "/images", "--recipe", f"{self.folder}/recipes/{recipe}.yaml", "--output",
            f"{self.work}/out", "--state", self.work + "/state-run", "--name", name, "--count", "12", "--seed", "5",
            "--threads", "1", "--json", *more]

    RUNS = {
        "done": ("tiny", *PRIVATE, "--count-epsilon", "1", "--score-epsilon", "1"),
        "half": ("tiny", *PRIVATE),
        "pixel": ("pixels", *PRIVATE),
        "open": ("tiny", "--non-private"),
    }

    def prepare(self):
        """Draws images, trains, stops half-way, lets the daemon train: everything that is changed later."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("recipes", "work", "home", "findings"):
            os.makedirs(f"{self.folder}/{name}")
        recipes = [
            ("tiny", tiny_recipes.gan("tiny", steps=12)), ("pixels", tiny_recipes.pixel("pixels", steps=6, channels=8))]
        for name, text in recipes:
            with open(f"{self.folder}/recipes/{name}.yaml", "w") as file:
                file.write(text)
        self.must("draw-glyphs", "--count", "64", self.folder + "/images")
        self.must("draw-glyphs", "--count", "40", "--seed", "9", self.folder + "/others")
        with open(self.folder + "/config.yaml", "w") as file:
            file.write(
                f"output: {self.work}/released\nrecipes: {self.folder}/recipes\nthreads: 1\nminimum_free: 1MiB\n"
                f"datasets:\n  glyphs:\n    root: {self.folder}/images\n    settle: 1\n    mode: poll\n    policy:\n"
                "      epsilon_max: 100\n      delta: 1.0e-5\n      non_private: true\n")
        for name, options in self.RUNS.items():
            if name == "half":
                self.interrupted(name, *options)
            else:
                text = self.must(*self.foreground(name, *options))
                self.epsilons[name] = self.result(text).get("epsilon")
        if not self.with_daemon(self.train):
            sys.exit(f"the daemon does not start; see {self.folder}/daemon.log")
        shutil.copytree(self.work, self.base, symlinks=True)

    def interrupted(self, name, *options):
        """A run that is stopped between two checkpoints."""
        process = self.start(*self.foreground(name, *options))
        wanted = f"{self.work}/out/internal/{name}/checkpoints/step-4.safetensors"
        until = time.time() + self.time_limit
        while not os.path.exists(wanted) and process.poll() is None and time.time() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        process.communicate()

    @staticmethod
    def result(text):
        """The results among the lines of a run, or an empty table."""
        start = text.find("{\n")
        for candidate in (text[start:] if start >= 0 else "", *reversed(text.splitlines())):
            try:
                found = json.loads(candidate)
                if isinstance(found, dict) and "outputs" in found:
                    return found
            except ValueError:
                continue
        return {}

    def ask(self, *arguments):
        return self.run(*arguments, name="figment")

    def train(self, _):
        for options in (["--epsilon", "8"], ["--non-private"]):
            code, text = self.ask(
                "train", "glyphs", "--recipe", "tiny", "--count", "12", "--seed", "5", "--watch", *options)
            if code != 0:
                sys.exit(text)
        self.ask("generate", "glyphs-1", "--count", "8", "--watch")
        self.epsilons["glyphs-1"] = self.job("glyphs-1").get("epsilon")

    def job(self, name):
        code, text = self.ask("show", name, "--json")
        try:
            job = json.loads(text) if code == 0 else {}
        except ValueError:
            raise Finding(f"show --json is no JSON: {text[:200]}") from None
        return job.get("state", {}).get("results", {})

    def with_daemon(self, body):
        """Starts the daemon, lets `body` ask it, and stops it."""
        arguments = [
            "serve", "--config", self.folder + "/config.yaml", "--state", self.work + "/state", "--socket",
            self.socket]
        log = self.folder + "/daemon.log"
        with open(log, "wb") as file:
            daemon = self.start(*arguments)
            # The output is read by another process, or a full pipe would stop the daemon.
            reader = subprocess.Popen(["cat"], stdin=daemon.stdout, stdout=file)
        started = False
        try:
            until = time.time() + self.time_limit
            while daemon.poll() is None and time.time() < until and not started:
                started = os.path.exists(self.socket) and self.answers()
                time.sleep(0.05)
            if started:
                body(daemon)
        finally:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(timeout=self.time_limit)
                code = daemon.returncode
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
                code = None
            reader.wait()
            daemon.stdout.close()
            damage.remove(self.socket)
        with open(log, "rb") as file:
            self.judge("figmentd", arguments, code, file.read())
        return started

    def answers(self):
        process = self.start("status", name="figment")
        process.communicate(timeout=self.time_limit)
        return process.returncode == 0

    # What is tried

    def places(self, *folders, kinds=(".json", ".ndjson", ".jsonl", ".pack", ".safetensors", "mark", "run-name",
                                      "format", "last-number", "lock", ".png", ".sqlite", ".html")):
        """Saved files below some folders of the work."""
        found = []
        for folder in folders:
            for path, _, names in os.walk(f"{self.work}/{folder}"):
                found += [f"{path}/{name}" for name in names if name.endswith(kinds)]
        # Drawn images are many and alike; those of others have a fuzzer of their own.
        return sorted(path for path in found if "/data/" not in path)

    def change(self, paths):
        """Changes one to three files; says how."""
        words = []
        for path in self.rng.sample(paths, min(len(paths), self.rng.choice([1, 1, 1, 2, 3]))):
            if not os.path.isfile(path):
                continue
            if self.rng.random() < 0.15:
                what = damage.strange(path, self.rng)
            else:
                with open(path, "rb") as file:
                    data = file.read()
                others = []
                for other in self.rng.sample(paths, min(3, len(paths))):
                    if os.path.isfile(other) and not os.path.islink(other) and os.path.getsize(other) < 1 << 24:
                        with open(other, "rb") as file:
                            others.append(file.read())
                data, what = damage.changed(data, self.rng, others or [b"{}"])
                with open(path, "wb") as file:
                    file.write(data)
            words.append(f"{os.path.relpath(path, self.work)}: {what}")
        return "; ".join(words)

    def expect(self, name, results):
        """What a program says that a run cost must be what it cost."""
        true, told = self.epsilons.get(name), results.get("epsilon")
        if results and true is not None and (told is None or told < true * (1 - 1e-9)):
            raise Finding(f"{name}: epsilon {told} is told, {true} was spent")

    def try_run(self):
        name = self.rng.choice(list(self.RUNS))
        how = self.change(self.places(f"out/internal/{name}", "out/release/" + name, "state-run"))
        yield how
        more = ["--allow-fewer-steps"] if self.rng.random() < 0.5 else []
        _, text = self.run(*self.foreground(name, *self.RUNS[name], *more))
        self.expect(name, self.result(text))
        if self.rng.random() < 0.3:
            _, text = self.run(*self.foreground(name, *self.RUNS[name], "--allow-fewer-steps"))
            self.expect(name, self.result(text))

    def try_generate(self):
        name = self.rng.choice(["done", "pixel"])
        release = f"{self.work}/out/release/{name}"
        yield self.change([
            path for path in self.places("out/release/" + name)
            if path.endswith(("generator.safetensors", "privacy.json", "manifest.json"))])
        self.run("generate", "--model", release, "--output", self.work + "/made/set", "--count", "9", "--threads", "1")
        if name == "pixel":
            self.run(
                "generate", "--model", release, "--output", self.work + "/made/more", "--complete",
                self.folder + "/others", "--rows", "4", "--threads", "1")

    def try_likelihood(self):
        yield self.change(self.places("out/release/pixel", kinds=("generator.safetensors", "manifest.json")))
        self.run(
            "likelihood", "--model", self.work + "/out/release/pixel", "--images", self.folder + "/others", "--json",
            "--threads", "1")

    def try_evaluate(self):
        data = self.work + "/out/release/done/data"
        paths = [f"{path}/{name}" for path, _, names in os.walk(data) for name in names]
        yield self.change(sorted(paths))
        self.run(
            "evaluate", "--synthetic", data, "--train", self.folder + "/images", "--test", self.folder + "/others",
            "--quick", "--json", "--threads", "1", "--output", self.work + "/made/report")

    def try_daemon(self):
        yield self.change(self.places("state", "released"))

        def body(_):
            for arguments in (
                ["status"], ["jobs"], ["datasets"], ["show", "glyphs-1"], ["show", "glyphs-3"], ["logs", "glyphs-1"],
                ["ledger"], ["ledger", "show", "glyphs"], ["ledger", "verify", "glyphs"],
                ["ledger", "verify", "--release", self.work + "/released/glyphs-1"], ["report", "glyphs-1"],
                ["plan", "glyphs", "--recipe", "tiny", "--epsilon", "2"], ["prune", "--dry-run"],
            ):
                self.ask(*arguments)
            self.expect("glyphs-1", self.job("glyphs-1"))
            work = self.rng.choice([
                ["generate", "glyphs-1", "--count", "8", "--watch"], ["evaluate", "glyphs-1", "--quick", "--watch"],
                ["train", "glyphs", "--recipe", "tiny", "--epsilon", "2", "--count", "8", "--watch"],
                ["remove", "glyphs-1"], ["resume", "glyphs-1"],
            ])
            self.ask(*work)

        self.with_daemon(body)
        self.run("check", "--config", self.folder + "/config.yaml")

    KINDS = [("run", 8), ("generate", 3), ("likelihood", 2), ("evaluate", 0.2), ("daemon", 2)]

    # The loop

    def outside(self):
        """All that nothing may write to: path, size and time of change."""
        seen = {}
        for root in ("images", "others", "recipes", "home", "base"):
            for path, folders, names in os.walk(f"{self.folder}/{root}"):
                for name in names + folders:
                    information = os.lstat(f"{path}/{name}")
                    seen[f"{path}/{name}"] = (information.st_size, information.st_mtime_ns)
        # Changed names climb to this one.
        pwned = [os.path.exists(os.path.join(self.folder, "../" * depth, "pwned")) for depth in range(8)]
        return seen, set(os.listdir(self.folder)) - {"daemon.log"}, pwned

    def once(self, number):
        damage.remove(self.work)
        shutil.copytree(self.base, self.work, symlinks=True)
        os.makedirs(self.work + "/made", exist_ok=True)
        before, self.log = self.outside(), []
        kinds, weights = zip(*self.KINDS)
        kind = self.rng.choices(kinds, weights)[0]
        attempt, how = getattr(self, "try_" + kind)(), "?"
        try:
            how = next(attempt)
            next(attempt, None)
            known = {"out", "state", "state-run", "released", "made"}
            if self.outside() != before or set(os.listdir(self.work)) - known:
                raise Finding("something was written where nothing may be")
        except Finding as finding:
            place = f"{self.folder}/findings/{number:05d}"
            os.makedirs(place, exist_ok=True)
            with open(place + "/what.txt", "w") as file:
                file.write(f"{finding}\n{kind}: {how}\n\n" + "\n".join(self.log))
            print(f"finding {number:05d}, {kind}: {finding} ({how[:300]})", flush=True)
            return 1
        return 0

    def loop(self, seconds):
        start = shown = time.time()
        number = findings = 0
        while time.time() - start < seconds:
            findings += self.once(number)
            number += 1
            if time.time() - shown > 60:
                shown = time.time()
                print(f"{number} changed states, {self.counts}, {findings} findings", flush=True)
        took = time.time() - start
        print(f"{number} changed states in {took / 3600:.2f} hours, {self.counts}, {findings} findings")
        return findings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--time-limit", type=float, default=90)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    fuzzer = Fuzzer(options)
    fuzzer.prepare()
    print(f"seed {options.seed}; what was spent: {fuzzer.epsilons}", flush=True)
    sys.exit(1 if fuzzer.loop(options.seconds) else 0)


if __name__ == "__main__":
    main()
