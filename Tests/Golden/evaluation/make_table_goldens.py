"""Makes tables.json, the golden file of the tests of tables, with numpy, scipy, scikit-learn and anonymeter.

Run: python3 -m venv V && V/bin/pip install numpy scipy scikit-learn && V/bin/pip install --no-deps anonymeter
     && V/bin/python make_table_goldens.py
Three small tables of coded columns (synthetic, training, test) with what independent implementations say about them:
total variation distances, Cramér's V, correlations, predictions, Anonymeter's risk, attribute inference by its
definition, and exact copies.
"""

import importlib.metadata
import json
import pathlib
import sys

import numpy
from anonymeter.stats import confidence
from scipy import stats
from scipy.stats import contingency
from sklearn import linear_model, metrics, preprocessing

# Name, codes without the missing one, whether numeric, whether missing is allowed. Age has bins of real numbers from 0
# to 16, income bins of whole numbers from 0 to 24.
COLUMNS = [
    ("sex", 2, False, False),
    ("region", 4, False, True),
    ("age", 8, True, True),
    ("income", 10, True, False),
    ("smoker", 3, False, False),
]


def draw(random, count, strength):
    """Rows whose columns depend on each other the more, the larger `strength` is."""
    hidden = random.normal(size=count)
    rows = []
    for place, (_, values, _, missing) in enumerate(COLUMNS):
        signal = strength * hidden * (-1) ** place + random.normal(size=count)
        codes = numpy.clip(((signal / 4 + 0.5) * values).astype(int), 0, values - 1)
        if missing:
            codes[random.random(count) < 0.05] = values
        rows.append(codes)
    return numpy.stack(rows, axis=1)


def centres(column):
    name, values, numeric, _ = COLUMNS[column]
    assert numeric
    if name == "age":
        return 2 * numpy.arange(values) + 1.0
    bins = numpy.arange(25) * values // 25
    return numpy.array([numpy.flatnonzero(bins == code).mean() for code in range(values)])


def code_count(column):
    return COLUMNS[column][1] + COLUMNS[column][3]


def joint(table, first, second):
    counts = numpy.zeros((code_count(first), code_count(second)))
    numpy.add.at(counts, (table[:, first], table[:, second]), 1)
    return counts


def variation(first, second):
    return numpy.abs(first / first.sum() - second / second.sum()).sum() / 2


def cramers_v(table, first, second):
    """Bergsma 2013; chi squared by scipy; rows where one of the values is missing do not count."""
    counts = joint(table, first, second)[: COLUMNS[first][1], : COLUMNS[second][1]]
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    rows, columns = counts.shape
    count = counts.sum()
    square = stats.chi2_contingency(counts, correction=False)[0] / count
    square = max(0, square - (rows - 1) * (columns - 1) / (count - 1))
    rows -= (rows - 1) ** 2 / (count - 1)
    columns -= (columns - 1) ** 2 / (count - 1)
    return (square / min(rows - 1, columns - 1)) ** 0.5


def values(table, first, second):
    """Bin centres of two columns in the rows where both are present."""
    present = (table[:, first] < COLUMNS[first][1]) & (table[:, second] < COLUMNS[second][1])
    return centres(first)[table[present, first]], centres(second)[table[present, second]]


def predict(train, test, column):
    """scikit-learn's models on one-hot codes; rows without a value in the column are left out."""
    train, test = (table[table[:, column] < COLUMNS[column][1]] for table in (train, test))
    others = [place for place in range(len(COLUMNS)) if place != column]
    encoder = preprocessing.OneHotEncoder(categories=[range(code_count(place)) for place in others])
    features, tested = encoder.fit_transform(train[:, others]), encoder.transform(test[:, others])
    if COLUMNS[column][2]:
        truth = centres(column)[test[:, column]]
        model = linear_model.Ridge(alpha=1.0, solver="cholesky")
        model.fit(features.toarray(), centres(column)[train[:, column]])
        guesses = model.predict(tested.toarray())
        return {"score": metrics.r2_score(truth, guesses), "first": list(guesses[:5])}
    # For two classes, scikit-learn has one vector of weights, the difference of ours: half of the penalty is the same.
    strength = 2.0 if COLUMNS[column][1] == 2 else 1.0
    model = linear_model.LogisticRegression(C=strength, tol=1e-10, max_iter=10000)
    model.fit(features, train[:, column])
    return {
        "score": float(numpy.mean(model.predict(tested) == test[:, column])),
        "first": [list(row) for row in model.predict_proba(tested)[:5]],
    }


def distance(record, row, skipped):
    total = 0
    for column, (_, size, numeric, _) in enumerate(COLUMNS):
        if column == skipped or record[column] == row[column]:
            continue
        both = record[column] < size and row[column] < size
        apart = abs(int(record[column]) - int(row[column])) / (size - 1) if numeric and both else 1
        total += round(1000 * apart)
    return total


def guesses(records, table, secret):
    """Right guesses of the most frequent secret among the nearest rows."""
    right = 0
    for record in records:
        distances = numpy.array([distance(record, row, secret) for row in table])
        nearest = table[distances == distances.min(), secret]
        right += int(numpy.bincount(nearest).argmax() == record[secret])
    return right


def copies(records, table):
    known = {tuple(row) for row in table}
    return sum(tuple(row) in known for row in records)


def main():
    random = numpy.random.default_rng(20)
    training, test = draw(random, 400, 1.2), draw(random, 300, 1.2)
    synthetic = numpy.concatenate([training[:60], draw(random, 290, 0.8)])
    pairs = [(a, b) for a in range(len(COLUMNS)) for b in range(a + 1, len(COLUMNS))]
    both_numeric = [p for p in pairs if COLUMNS[p[0]][2] and COLUMNS[p[1]][2]]
    tables = {"synthetic": synthetic, "training": training}
    risks = []
    for hits, misses, count in [(300, 250, 400), (90, 95, 100), (10, 0, 50)]:
        risk = confidence.residual_success(
            confidence.success_rate(count, hits, 0.95), confidence.success_rate(count, misses, 0.95))
        risks.append([hits, misses, count, float(risk.value), float(risk.error)])
    result = {
        "made-with": {
            name: importlib.metadata.version(name)
            for name in ("numpy", "scipy", "scikit-learn", "anonymeter")
        } | {"python": sys.version.split()[0]},
        "synthetic": synthetic.flatten().tolist(),
        "training": training.flatten().tolist(),
        "test": test.flatten().tolist(),
        "one-way": [
            variation(*(numpy.bincount(t[:, c], minlength=code_count(c)) for t in (synthetic, training)))
            for c in range(len(COLUMNS))
        ],
        "one-way-real": [
            variation(*(numpy.bincount(t[:, c], minlength=code_count(c)) for t in (test, training)))
            for c in range(len(COLUMNS))
        ],
        "two-way": [variation(joint(synthetic, *p), joint(training, *p)) for p in pairs],
        "two-way-uniform": [
            variation(joint(training, *p), numpy.ones((code_count(p[0]), code_count(p[1]))))
            for p in pairs
        ],
        "two-way-independent": [
            variation(joint(training, *p), contingency.expected_freq(joint(training, *p))) for p in pairs
        ],
        "cramers-v": {
            name: [cramers_v(table, *p) for p in pairs if p not in both_numeric]
            for name, table in tables.items()
        },
        "pearson": {
            name: [stats.pearsonr(*values(table, *p)).statistic for p in both_numeric]
            for name, table in tables.items()
        },
        "spearman": {
            name: [stats.spearmanr(*values(table, *p)).statistic for p in both_numeric]
            for name, table in tables.items()
        },
        "predictions": [predict(synthetic, test, column) for column in range(len(COLUMNS))],
        "risks": risks,
        "inference": [
            [guesses(training[:80], synthetic, c), guesses(test[:80], synthetic, c)]
            for c in range(len(COLUMNS))
        ],
        "copies": [copies(training, synthetic), copies(test, synthetic)],
    }
    path = pathlib.Path(__file__).parent / "tables.json"
    path.write_text(json.dumps(result, indent=None, separators=(", ", ": ")).replace('], "', '],\n"') + "\n")


main()
