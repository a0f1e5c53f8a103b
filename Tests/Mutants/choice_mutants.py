"""Seeded bugs in private choices, noisy tables and rounds.

`edits` are (file, text, replacement), as in mutants.py.
"""
from mutant import Mutant

LEARNING = 'Sources/Learning/Private/'
PRIVACY = 'Sources/Privacy/'
MODELS = 'Sources/Models/'

CHOICE_MUTANTS = [
  Mutant(
    '240', 'every row of a person counts as a whole unit',
    'LearningTests.PrivateTablesTests/onePersonChangesEveryScoreByAtMostOne',
    (
      (LEARNING + 'TableCounts.swift',
       'guard examples.units != nil else {',
       'guard examples.units == nil else {'),
    )),
  Mutant(
    '241', 'a unit counts fully in each of several tables, beside noise for one',
    'LearningTests.PrivateTablesTests/allTablesOfAPersonStayWithinTheClipNorm',
    (
      (LEARNING + 'PrivateTables.swift',
       '(Double(sensitivity) / Double(count).squareRoot()).rounded(.down)',
       'Double(sensitivity)'),
      (LEARNING + 'PrivateTables.swift',
       'while count * steps * steps > sensitivity * sensitivity',
       'while steps * steps > sensitivity * sensitivity'),
    )),
  Mutant(
    '242', 'the noise of tables does not grow with their number',
    'LearningTests.PrivateTablesTests/theNoiseOfEveryCellGrowsWithTheRootOfTheNumberOfTables',
    (
      (LEARNING + 'PrivateTables.swift',
       'mechanism.noised($0, in: grid, noise: noise).map { $0 / unit }',
       'zip($0, mechanism.noised($0, in: grid, noise: noise)).map { count, noisy in\n'
       '      let exact = Double(count) * grid.step\n'
       '      return exact / unit + (noisy - exact) / (Double(grid.sensitivity) * grid.step)\n'
       '    }'),
    )),
  Mutant(
    '243', "the exponential mechanism leaves out the 2 under its epsilon",
    'LearningTests.PrivateTablesTests/candidatesAreChosenWithTheProbabilitiesOfTheMechanism',
    (
      (LEARNING + 'PrivateTables.swift',
       '(UInt64(ChoiceScores.unitSteps) << epsilonBits) * 2',
       'UInt64(ChoiceScores.unitSteps) << epsilonBits'),
    )),
  Mutant(
    '244', 'the accountants count half the epsilon of a choice',
    'PrivacyTests.ChoiceTests/choicesCostWhatBruteForceComputes',
    (
      (PRIVACY + 'EventTally.swift',
       'ElementaryEvent(choiceOfEpsilon: epsilon)',
       'ElementaryEvent(choiceOfEpsilon: epsilon / 2)'),
    )),
  Mutant(
    '245', 'the noise of rounds is calibrated without their choices',
    'PrivacyTests.ChoiceTests/theNoiseOfRoundsIsCalibratedWithTheirChoices',
    (
      (PRIVACY + 'SelectionMechanism.swift',
       '      .exponentialMechanism(epsilon: choiceEpsilon(beside: noiseMultiplier)), table.event,\n',
       '      table.event\n'),
    )),
  Mutant(
    '246', 'the two accesses of a charged round count as two rounds',
    'ModelsTests.SelectionRoundTests/aPhaseOfRoundsIsReadAsItWasSaved',
    (
      (MODELS + 'Phase.swift', 'let each = max(1, try EventTally(access).total)', 'let each = 1'),
      (MODELS + 'Phase.swift', 'guard let access, !charged.isEmpty', 'guard access != nil, !charged.isEmpty'),
    )),
  Mutant(
    '247', 'a choice on a Poisson sample counts as one among all units',
    'PrivacyTests.ChoiceTests/aChoiceOnASampleIsRefused',
    (
      (PRIVACY + 'PrivacyEvent.swift', '      if event.hasChoice { throw .sampledChoice }\n', ''),
      (PRIVACY + 'EventTally.swift', '      guard probability == 1 else { throw .sampledChoice }\n', ''),
    )),
  Mutant(
    '248', 'a round may choose twice for one charge',
    'ModelsTests.SelectionRoundTests/aRoundChoosesAndMeasuresOnce',
    (
      (MODELS + 'Family/SelectionRound.swift',
       '    precondition(!hasChosen, "a round makes one choice: the ledger was charged for no other")\n',
       ''),
    )),
  Mutant(
    '249', 'the losses of a choice are rounded down to the grid',
    'PrivacyTests.ChoiceTests/theGridKeepsBothMassesAndNeverLowersTheProfile',
    (
      (PRIVACY + 'Accountants/ChoiceLoss.swift',
       '      masses[cell + 1] += up\n', '      masses[cell] += up\n'),
    )),
  Mutant(
    '238', 'the divergence of a choice is half the bound by concentrated privacy',
    'PrivacyTests.ChoiceTests/divergencesAgreeWithASearchOverAllPairs',
    (
      (PRIVACY + 'Accountants/ChoiceLoss.swift',
       '(logMoment + rounding) / more, order * epsilon * epsilon / 8, epsilon)',
       '(logMoment + rounding) / more, order * epsilon * epsilon / 16, epsilon)'),
    )),
  Mutant(
    '239', 'rows of a person that are not adjacent count as several people',
    'LearningTests.PrivateTablesTests/rowsOfAPersonThatAreNotTogetherAreRefused',
    (
      (LEARNING + 'TableCounts.swift',
       '      examples.keepsUnitsTogether,\n', '      true,\n'),
    )),
]
