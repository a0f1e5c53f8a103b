"""The bugs that the suite must find, numbered as the project's list of thirty.

`edits` are (file, text, replacement); every text must be in its file exactly once. A mutant with a
`message` must be refused by the compiler, for that reason, while its `control`, the same code
without the forbidden part, compiles.
"""
import dataclasses

LEARNING = "Sources/Learning/"
PRIVACY = "Sources/Privacy/"
MODELS = "Sources/Models/"


@dataclasses.dataclass(frozen=True)
class Mutant:
  number: str
  title: str
  named: str
  edits: tuple
  message: str = ""
  control: tuple = ()
  module: str = ""

  @property
  def target(self):
    return self.named.split(".")[0]

  @property
  def suite(self):
    return self.named.split(".")[1].split("/")[0]

  @property
  def test(self):
    return self.named.split("/")[1]


MUTANTS = [
  Mutant(
    '1', 'noise divided by 1.05',
    'LearningTests.NoiseTests/emptyBatchIsNormalNoiseOfThePlansScale',
    (
      ('Sources/Learning/Private/ClippedSum.swift',
       'standardDeviation: mechanism.noiseStandardDeviation, on',
       'standardDeviation: mechanism.noiseStandardDeviation / 1.05, on'),
    )),
  Mutant(
    '9', 'several images of one unit clipped one by one',
    'LearningTests.UnitsTests/examplesOfOneUnitMoveTheSumByAtMostTheClipNorm',
    (
      ('Sources/Learning/Private/ClipWeights.swift',
       'guard let units else',
       'guard let units, false else'),
    )),
  Mutant(
    '10', 'biases left out of the norm',
    'LearningTests.SensitivityTests/oneExampleMovesTheSumByAtMostTheClipNorm',
    (
      ('Sources/Learning/Layers/Convolution.swift',
       '    pass.machine.addSquaredNorms(ofRows: biases, to: norms)\n',
       ''),
    )),
  Mutant(
    '12', 'a gradient that is not a number goes into the sum',
    'LearningTests.SensitivityTests/spoiltGradientsContributeNothing',
    (
      ('Sources/Learning/Private/ClipWeights.swift',
       'norm < Double(Float.greatestFiniteMagnitude)',
       'true'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       'if gradient.isFinite {',
       'if gradient.isFinite || true {'),
    )),
  Mutant(
    '16', 'the last micro-batch dropped unless it is full',
    'LearningTests.PrivateNetworkTests/microBatchesDoNotChangeTheSum',
    (
      ('Sources/Learning/Private/ExampleSource.swift',
       '      batches.append(start..<end)\n',
       '      if end - start >= size { batches.append(start..<end) }\n'),
    )),
  Mutant(
    '25', 'replacement claimed with the sensitivity of adding or removing',
    'PrivacyTests.PrivacyStatementTests/unitAdjacencyAndClaimStandInOneSentence',
    (
      ('Sources/Privacy/NeighboringRelation.swift',
       '"adding or removing \\(unit.words)"',
       '"replacing \\(unit.words)"'),
    )),
  Mutant(
    '30', 'comparisons that NaN passes',
    'PrivacyTests.EventTests/budgetsWithoutMeaningAreRefused',
    (
      ('Sources/Privacy/PrivacyError.swift',
       'guard value > 0, value < .infinity else',
       'guard !(value <= 0), !(value >= .infinity) else'),
    )),
]
