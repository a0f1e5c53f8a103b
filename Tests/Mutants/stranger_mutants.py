"""Seeded bugs by an author who knew only the sources and had seen no test.

Each weakens the guarantee, misstates it, or reveals something private. A careful programmer could make each
mistake while changing the code for another reason.

`edits` are (file, text, replacement), as in mutants.py.
"""
from mutant import Mutant

PRIVACY = 'Sources/Privacy/'
SUMS = 'Sources/Learning/Private/'
DATASETS = 'Sources/Datasets/'
MODELS = 'Sources/Models/'

STRANGER_MUTANTS = [
  # The trainer and its plan.
  Mutant(
    '171', 'a block that ends with an error returns the failed step',
    'ModelsTests.TrainerTests/aFailedStepStaysReserved',
    (
      (MODELS + 'Trainer.swift',
       '    let made = try makeSteps(count, shouldStop: shouldStop, report: report)\n'
       '    try ledger.settle(reservation, used: made)\n',
       '    let made: Int\n'
       '    do {\n'
       '      made = try makeSteps(count, shouldStop: shouldStop, report: report)\n'
       '    } catch {\n'
       '      try ledger.settle(reservation, used: step - before)\n'
       '      throw error\n'
       '    }\n'
       '    try ledger.settle(reservation, used: made)\n'),
    )),
  Mutant(
    '172', 'the steps of a phase share one batch',
    'ModelsTests.TrainerTests/everyStepDrawsABatchOfItsOwnAfterItIsPaidFor',
    (
      (MODELS + 'Trainer.swift',
       '        let batch = images.drawBatch(probability: plan.samplingProbability, from: noise)\n',
       '        let batch =\n'
       '          shared ?? images.drawBatch(probability: plan.samplingProbability, from: noise)\n'
       '        shared = batch\n'),
      (MODELS + 'Trainer.swift',
       '  private let access: PrivacyEvent?\n',
       '  private let access: PrivacyEvent?\n  private var shared: PrivateExamples?\n'),
    )),
  Mutant(
    '173', "a plan ignores the recipe's discrete noise",
    'ModelsTests.HardenedTrainingTests/theLedgerHoldsTheEventOfTheNoiseThatWasDrawn',
    (
      (MODELS + 'TrainingPlan.swift',
       'nominalBatchSize: batchSize,\n        noise: settings.noise ?? .gaussian)',
       'nominalBatchSize: batchSize)'),
    )),
  Mutant(
    '174', 'the images of a snapshot reach the sum without their units',
    'ModelsTests.SnapshotImagesTests/aBatchKeepsTheUnitsOfItsImages',
    (
      (MODELS + 'SnapshotImages.swift', '  var units: [Int]? { batch.units }\n\n', ''),
    )),
  Mutant(
    '175', 'a permission to train unprotected overrides the mechanism of the plan',
    'ModelsTests.TrainerTests/aPermissionTakesNoMechanismAway',
    (
      (MODELS + 'Trainer.swift',
       'plan.mechanism.map(Protection.noise) ?? permission.map(Protection.none)',
       'permission.map(Protection.none) ?? plan.mechanism.map(Protection.noise)'),
    )),
  # The sampler and the units of a snapshot.
  Mutant(
    '176', 'a unit is also drawn at its threshold, so that none has probability 0',
    'DatasetsTests.PoissonSamplerTests/aCandidateIsTakenExactlyBelowTheThreshold',
    (
      (DATASETS + 'Batch/PoissonSampler.swift',
       'where source.next() < threshold', 'where source.next() <= threshold'),
    )),
  Mutant(
    '177', 'the limit of images applies to a person in each class separately',
    'DatasetsTests.DatasetSnapshotTests/aPersonsLimitIsForTheImagesOfAllClassesTogether',
    (
      (DATASETS + 'Snapshot/Settlement.swift',
       'images[record.person ?? [], default: []].append((record, index))',
       'images[\n'
       '          (record.person ?? []) + [UInt8(truncatingIfNeeded: record.label)], default: []\n'
       '        ].append((record, index))'),
    )),
  Mutant(
    '178', 'a person in two classes is two units',
    'DatasetsTests.DatasetSnapshotTests/peopleAreUnitsAcrossClasses',
    (
      (DATASETS + 'Snapshot/SnapshotPacker.swift',
       'Set(records.compactMap(\\.person))',
       'Set(records.map { [UInt8(truncatingIfNeeded: $0.label)] + ($0.person ?? []) })'),
      (DATASETS + 'Snapshot/SnapshotPacker.swift',
       'numbers[$0.person ?? []] ?? 0',
       'numbers[[UInt8(truncatingIfNeeded: $0.label)] + ($0.person ?? [])] ?? 0'),
    )),
  Mutant(
    '179', 'packed images go into a directory that the group may enter',
    'DatasetsTests.DatasetSnapshotTests/aDirectoryThatOthersMayEnterIsRefused',
    (
      (DATASETS + 'Snapshot/SnapshotPacker.swift',
       'status.st_mode & 0o077 == 0', 'status.st_mode & 0o007 == 0'),
    )),
  # The families.
  Mutant(
    '180', 'the curves of an unprotected run count as computed from protected weights',
    'ModelsTests.FamilyTests/curvesOfAnUnprotectedRunStayInside',
    (
      (MODELS + 'Family/GenerativeModel.swift',
       'case .none: StepReport(privateCurves: curves.mapValues { Sensitive($0) })',
       'case .none: StepReport(curves: curves.mapValues { Releasable($0, .postProcessing) })'),
    )),
  Mutant(
    '181', 'the coin flips that drop labels depend only on the number of the step',
    'ModelsTests.PixelModelTrainingTests/theCoinsThatDropLabelsComeFromTheStreamOfTheNoise',
    (
      (MODELS + 'PixelModel/PixelModel.swift',
       '    let share = settings.labelDropout\n',
       '    let share = settings.labelDropout\n'
       '    let index = step.index\n'),
      (MODELS + 'PixelModel/PixelModel.swift',
       '      var coins = noise\n', '      var coins = SeededStream(seed: UInt64(index))\n'),
    )),
  Mutant(
    '182', 'quantized images lose their units',
    'ModelsTests.PixelModelTrainingTests/contributionOfAUnitIsBoundedByTheClipNorm',
    (
      (MODELS + 'PixelModel/QuantizedImages.swift',
       '  var units: [Int]? { images.units }\n\n', ''),
    )),
  Mutant(
    '183', 'images at one position of several micro-batches share the coin flip that drops their label',
    'ModelsTests.PixelModelTrainingTests/everyImageHasItsOwnCoinInWhicheverMicroBatchItIs',
    (
      (MODELS + 'PixelModel/QuantizedImages.swift',
       'zip(range, labels)', 'zip(labels.indices, labels)'),
    )),
  # Private sums.
  Mutant(
    '184', "a unit's norm is the root of its images' squared norms, which does not bound their sum",
    'LearningTests.UnitsTests/examplesOfOneUnitMoveTheSumByAtMostTheClipNorm',
    (
      (SUMS + 'ClipWeights.swift',
       'squaredNorms[start..<end].reduce(0) { $0 + $1.squareRoot() }',
       'squaredNorms[start..<end].reduce(0, +).squareRoot()'),
    )),
  Mutant(
    '185', 'the clip norm leaves a margin for one rounding, not for one per example',
    'LearningTests.RoundingOfSumsTests/weightsLeaveRoomForTheRoundingOfTheOthers',
    (
      (SUMS + 'ClipWeights.swift',
       '(1 + roundingShift * Double(mechanism.nominalBatchSize))', '(1 + roundingShift)'),
    )),
  Mutant(
    '186', 'the last micro-batch stays in the pass after a private sum',
    'LearningTests.PrivateNetworkTests/nothingPrivateStaysInTheStore',
    (
      (SUMS + 'PrivateNetwork.swift',
       '    pass.end()\n    return ClippedSum(of: sum', '    return ClippedSum(of: sum'),
    )),
  Mutant(
    '187', 'contributions are rounded to the nearest step, and checked as if they were truncated',
    'LearningTests.ClippedGridSumTests/contributionIsShortenedUntilItsWholeNormFits',
    (
      (SUMS + 'GradientGrid.swift',
       '.rounded(.towardZero))', '.rounded())'),
    )),
  Mutant(
    '188', 'zero has two signs in the discrete noise',
    'LearningTests.DiscreteGaussianTests/smallScalesHaveTheExactProbabilities',
    (
      (SUMS + 'DiscreteGaussian.swift',
       '      if magnitude > 0 || !isNegative { return (magnitude, isNegative) }\n',
       '      return (magnitude, isNegative)\n'),
    )),
  Mutant(
    '189', 'a clipped sum accepts a unit whose images are not adjacent',
    'LearningTests.UnitsTests/unitsThatAreNotTogetherAreRefused',
    (
      (SUMS + 'PrivateNetwork.swift',
       '    let examples = examples.source\n    requireUnitsTogether(examples)\n',
       '    let examples = examples.source\n'),
    )),
  # Counts that are paid for.
  Mutant(
    '190', 'the discrete noise on counts is rounded to the nearest width',
    'PrivacyTests.CountQueryTests/noiseHidesAllImagesOfAUnit',
    (
      (PRIVACY + 'CountQuery.swift',
       'max(1, deviation.rounded(.up))', 'max(1, deviation.rounded())'),
    )),
  Mutant(
    '191', 'the noise on counts ignores how many images a unit has',
    'LearningTests.CountAnswerTests/noiseHasThePlansDeviationAndIsTheSameForAllCounts',
    (
      (SUMS + 'CountAnswer.swift',
       'standardDeviation: standardDeviation)', 'standardDeviation: noiseMultiplier)'),
    )),
  Mutant(
    '192', 'images are counted by class without a check of the largest unit',
    'ModelsTests.SnapshotImagesTests/unitsWithMoreImagesThanTheNoiseIsMadeForAreNotCounted',
    (
      (MODELS + 'ClassCounts.swift', '    requireUnits(ofUpTo: largest)\n', ''),
    )),
  Mutant(
    '193', 'noise on counts may be so large that single precision skips whole numbers',
    'PrivacyTests.CountQueryTests/unitsWithoutImagesAndNoiseBeyondWholeNumbersAreRefused',
    (
      (PRIVACY + 'CountQuery.swift', 'largestDeviation = 0x1p19', 'largestDeviation = 0x1p24'),
    )),
  # Ledger, gate, calibration, odometer, statement, strength.
  Mutant(
    '194', 'an open reservation does not count for its purpose',
    'PrivacyTests.LedgerHistoryTests/equalEventsAreToldApartByTheirPurposes',
    (
      (PRIVACY + 'Ledger/LedgerHistory.swift',
       'charge.used ?? charge.entry.times', 'charge.used ?? 0'),
    )),
  Mutant(
    '195', 'noise for a new run on touched data is calibrated as if it had been planned before',
    'PrivacyTests.LedgerClaimTests/noiseForALaterRunIsFoundByThePriceOfTheClaim',
    (
      (PRIVACY + 'Ledger/LedgerHistory.swift',
       'basis: firstPlans == nil ? .planned : .adaptive)', 'basis: basis)'),
    )),
  Mutant(
    '196', 'a later charge is compared with the plan without what the run has spent',
    'PrivacyTests.LedgerHistoryTests/whatIsChosenAfterTheFirstChargeIsAdaptive',
    (
      (PRIVACY + 'Ledger/LedgerHistory.swift',
       'return try !(firstPlans[run] ?? EventTally()).covers(whole(event, of: run))',
       'return !(firstPlans[run] ?? EventTally()).covers(event)'),
    )),
  Mutant(
    '197', 'the gate admits an adaptive history that it once admitted as planned',
    'PrivacyTests.LedgerClaimTests/claimsNeverExceedWhatWasAdmitted',
    (
      (PRIVACY + 'Ledger/BudgetGate.swift',
       '      ($0.basis == basis || $0.basis == .adaptive) && $0.tally.covers(sum)\n',
       '      $0.tally.covers(sum)\n'),
    )),
  Mutant(
    '198', 'calibration prices discrete noise as Gaussian noise',
    'PrivacyTests.CountQueryTests/anAnswerCostsWhatItMayAndNoMore',
    (
      (PRIVACY + 'Calibration.swift',
       'samplingProbability: samplingProbability, noiseMultiplier: noise, noise: distribution\n',
       'samplingProbability: samplingProbability, noiseMultiplier: noise\n'),
    )),
  Mutant(
    '199', "the odometer's shares of delta add up to more than one",
    'PrivacyTests.RenyiOdometerTests/epsilonIsThatOfAnIndependentComputation',
    (
      (PRIVACY + 'Accountants/RenyiOdometer.swift',
       '(order: $0, share: 0x1p-6)', '(order: $0, share: 0x1p-4)'),
    )),
  Mutant(
    '200', 'a statement lists the accesses that were charged, not those that it claims',
    'PrivacyTests.PrivacyStatementTests/theAccessesOfAPlannedHistoryAreThoseThatItAnnounced',
    (
      (PRIVACY + 'Statement.swift',
       'accesses = try history.claimed.sorted.map', 'accesses = history.spent.sorted.map'),
    )),
  Mutant(
    '201', 'a statement explains the epsilon of its run alone, not of everything on the data',
    'PrivacyTests.PrivacyStatementTests/whatTheNumbersMeanStandsBesideThem',
    (
      (PRIVACY + 'Statement.swift',
       'meaning = Self.meaning(total, ofRun: runCost, of: subject)',
       'meaning = Self.meaning(runCost, ofRun: runCost, of: subject)'),
    )),
  Mutant(
    '202', 'a delta of exactly one divided by the units is not called large',
    'PrivacyTests.PrivacyStatementTests/whatTheNumbersMeanStandsBesideThem',
    (
      (PRIVACY + 'GuaranteeStrength.swift',
       'return delta < 1 / Double(units)', 'return delta <= 1 / Double(units)'),
    )),
  Mutant(
    '203', 'a printed epsilon relies on a rounded product',
    'PrivacyTests.EventTests/printedFiguresAreNeverSmallerThanTheComputedOnes',
    (
      (PRIVACY + 'Decimals.swift',
       '    var scaled = (value * scale).rounded(.up)\n'
       '    if scaled / scale < value { scaled += 1 }\n',
       '    let scaled = (value * scale).rounded(.up)\n'),
    )),
  Mutant(
    '204', 'the announcement of a resumed run replaces the earlier one',
    'PrivacyTests.LedgerClaimTests/claimsNeverExceedWhatWasAdmitted',
    (
      (PRIVACY + 'Ledger/LedgerHistory.swift',
       '    let whole = try whole(tally, of: plan.run)\n', ''),
      (PRIVACY + 'Ledger/LedgerHistory.swift',
       '    if whole == tally {\n'
       '      announcements[plan.run] = Announcement(tally: tally)\n'
       '    } else {\n'
       '      announce(whole, of: plan.run)\n'
       '    }\n',
       '    announcements[plan.run] = Announcement(tally: tally)\n'),
    )),
]
