"""Writes bayesian_network.csv: small networks of codes, by enumeration of every row.

Nothing here knows of trees, messages or orders of elimination: a distribution is an array with one axis for each
column, and a marginal is its sum over the other axes. The fit minimises the weighted squared differences from the
measured tables over all distributions on all rows, by L-BFGS on the logarithm of every row's probability; its
marginals over the measured tables are unique.

    pip install numpy scipy
    python3 bayesian_network.py > bayesian_network.csv

Every line is: case, name, shape, numbers.
"""

import itertools

import numpy as np
import scipy
from scipy.optimize import minimize

random = np.random.default_rng(20261130)
print(f"# numpy {np.__version__}, scipy {scipy.__version__}, float64, rounded to 12 digits")


def put(case, name, values):
  values = np.asarray(values, dtype=float)
  shape = "x".join(str(extent) for extent in (values.shape or (1,)))
  numbers = " ".join(f"{value:.12g}" for value in values.reshape(-1))
  print(f"{case},{name},{shape},{numbers}")


def over(joint, columns):
  """The marginal of some columns of an array with one axis for each column."""
  return joint.sum(axis=tuple(c for c in range(joint.ndim) if c not in columns))


def name(columns):
  return "".join(str(c) for c in columns)


def spread(table, columns, codes):
  """A table over some columns, repeated over all the others."""
  return table.reshape([codes[c] if c in columns else 1 for c in range(len(codes))])


# Potentials on tables: a loop of four columns with a branch, a triangle of three with one apart, and a chain.
for case, codes, tables in (
  ("loop", [2, 3, 2, 4, 3], [(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)]),
  ("apart", [3, 2, 4, 2, 3], [(0, 1), (1, 2), (0, 2), (3,), (4,)]),
  ("chain", [2, 2, 3, 2, 2, 3], [(0, 3), (1, 3), (1, 5), (2, 5), (2, 4)]),
  ("triples", [2, 3, 2, 2, 3], [(0, 1, 2), (2, 3, 4)]),
):
  put(case, "codes", codes)
  energy = np.zeros(codes)
  for index, columns in enumerate(tables):
    table = random.normal(0, 1.5, [codes[c] for c in columns])
    put(case, f"columns{index}", columns)
    put(case, f"potential{index}", table)
    energy = energy + spread(table, columns, codes)
  joint = np.exp(energy)
  joint *= 1000 / joint.sum()
  for size in (1, 2, 3):
    for columns in itertools.combinations(range(len(codes)), size):
      put(case, f"marginal{name(columns)}", over(joint, columns))
  put(case, "joint", joint)

# A network whose parents are not in the order of columns.
codes = [3, 2, 4, 2, 3]
nodes = [(3, ()), (0, (3,)), (4, (0, 3)), (1, (4,)), (2, (1, 3))]
put("network", "codes", codes)
joint = np.ones(codes)
for column, parents in nodes:
  table = random.dirichlet(np.ones(codes[column]), [codes[c] for c in parents])
  put("network", f"probabilities{column}", table)
  axes = parents + (column,)
  ordered = np.transpose(table, np.argsort(axes))
  joint = joint * spread(ordered, sorted(axes), codes)
put("network", "joint", joint)

# A fit to noisy tables that contradict one another, with different noise.
codes = [2, 3, 2, 3]
tables = [((0,), 20), ((1,), 20), ((2,), 20), ((3,), 20),
          ((0, 1), 30), ((1, 2), 30), ((0, 2), 15), ((2, 3), 30)]
truth = random.dirichlet(np.full(36, 0.7)).reshape(codes)
total = 900.0
put("fit", "codes", codes)
put("fit", "total", [total])
measured = []
for index, (columns, deviation) in enumerate(tables):
  noisy = np.round(total * over(truth, columns) + random.normal(0, deviation, [codes[c] for c in columns]))
  measured.append((columns, noisy, deviation**2))
  put("fit", f"columns{index}", columns)
  put("fit", f"measured{index}", noisy)
  put("fit", f"variance{index}", [deviation**2])


def joint_of(logits):
  rows = np.exp(logits - logits.max())
  return (total * rows / rows.sum()).reshape(codes)


def loss(logits):
  joint = joint_of(logits)
  value, slope = 0.0, np.zeros(codes)
  for columns, noisy, variance in measured:
    difference = over(joint, columns) - noisy
    value += (difference**2).sum() / variance / 2
    slope += spread(difference / variance, columns, codes)
  gradient = joint * (slope - (joint * slope).sum() / total)
  return value, gradient.reshape(-1)


best = min(
  (minimize(loss, random.normal(0, 1, 36), jac=True, method="L-BFGS-B",
            options=dict(maxiter=100_000, maxfun=1_000_000, ftol=1e-16, gtol=1e-10)) for _ in range(5)),
  key=lambda result: result.fun)
put("fit", "loss", [best.fun])
for index, (columns, _, _) in enumerate(measured):
  put("fit", f"fitted{index}", over(joint_of(best.x), columns))
