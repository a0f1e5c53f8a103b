"""Seeded bugs in sampling, charges, claims and answers.

`edits` are (file, text, replacement), as in mutants.py.
"""
from mutant import Mutant

MUTANTS = [
  # Beyond the list of thirty: bugs that only an attack on whole trainings detects from outside.
  Mutant(
    '101', 'the trainer samples at twice the charged rate',
    'EvaluationTests.TrainingAuditTests/whatShipsPasses',
    (
      ('Sources/Models/Trainer.swift',
       'images.drawBatch(probability: plan.samplingProbability, from: noise)',
       'images.drawBatch(probability: min(1, 2 * plan.samplingProbability), from: noise)'),
    )),
  Mutant(
    '102', 'a pixel model loses the units of the images that it quantizes',
    'EvaluationTests.TrainingAuditTests/whatShipsPasses',
    (
      ('Sources/Models/PixelModel/QuantizedImages.swift',
       'var units: [Int]? { images.units }',
       'var units: [Int]? { nil }'),
    )),
  Mutant(
    '103', 'batches of a snapshot lose the units of their images',
    'EvaluationTests.TrainingAuditTests/whatShipsPasses',
    (
      ('Sources/Models/SnapshotImages.swift',
       'var units: [Int]? { batch.units }',
       'var units: [Int]? { nil }'),
    )),
  Mutant(
    '111', 'the cost of a run claimed from the steps that it made',
    'PrivacyTests.LedgerHistoryTests/aRunCostsWhatItAnnouncedWhereverItIsStopped',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'return try Self.cost(of: announced(by: run), delta, .planned)',
       'return try Self.cost(of: spent(by: run), delta, .planned)'),
    )),
  Mutant(
    '112', 'a new run after the first charge counts as planned',
    'PrivacyTests.LedgerHistoryTests/whatIsChosenAfterTheFirstChargeIsAdaptive',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'covers(whole(event, of: run))\n',
       'covers(whole(event, of: run)) && firstPlans[run] != nil\n'),
    )),
  Mutant(
    '113', 'every order may use all of delta',
    'PrivacyTests.RenyiOdometerTests/epsilonIsThatOfAnIndependentComputation',
    (
      ('Sources/Privacy/Accountants/RenyiOdometer.swift',
       'let logDelta = log(share[order, default: 0]) + log(delta)',
       'let logDelta = share[order] == nil ? -.infinity : log(delta)'),
    )),
  Mutant(
    '114', 'clip weights leave no margin for the rounding of the others',
    'LearningTests.RoundingOfSumsTests/weightsLeaveRoomForTheRoundingOfTheOthers',
    (
      ('Sources/Learning/Private/ClipWeights.swift',
       'mechanism.clipNorm / (1 + roundingShift * Double(mechanism.nominalBatchSize))',
       'mechanism.clipNorm'),
    )),
  Mutant(
    '115', 'micro-batches added in single precision',
    'LearningTests.RoundingOfSumsTests/aUnitThatShiftsTheRoundingOfAllOthersMovesTheSumByAtMostTheClipNorm',
    (
      ('Sources/Compute/Operations/Sums/DoubleSum.swift',
       'y[index] += Double(x[index])',
       'y[index] = Double(Float(y[index]) + x[index])'),
    )),
  Mutant(
    '116', 'a new attempt forgets what earlier ones announced and spent',
    'PrivacyTests.LedgerHistoryTests/aRunCostsWhatItAnnouncedWhereverItIsStopped',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'if whole == tally {',
       'if plan.attempt > 1 || whole == tally {'),
    )),
  Mutant(
    '117', 'an adaptive charge is admitted at the price of a plan',
    'PrivacyTests.LedgerClaimTests/claimsNeverExceedWhatWasAdmitted',
    (
      ('Sources/Privacy/PrivacyCost.swift',
       'RenyiOdometer.bound(of: tally, atDelta: budget.delta).epsilon <= budget.epsilon',
       'RenyiAccountant(tally).epsilon(atDelta: budget.delta) <= budget.epsilon'),
    )),
  Mutant(
    '118', 'the claim of a planned history counts only its charges',
    'PrivacyTests.LedgerHistoryTests/aRunCostsWhatItAnnouncedWhereverItIsStopped',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'for (_, plan) in firstPlans ?? [:] { try sum.add(plan) }',
       'if firstPlans != nil { try sum.add(spent) }'),
    )),
  Mutant(
    '119', 'noise for a later run is calibrated at the price of a plan',
    'PrivacyTests.LedgerClaimTests/noiseForALaterRunIsFoundByThePriceOfTheClaim',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'basis: firstPlans == nil ? .planned : .adaptive)',
       'basis: .planned)'),
    )),
  Mutant(
    '121', "a delta above the policy's is lowered silently",
    'FigmentdTests.OrderCheckTests/aLargerDeltaThanThePolicysIsRefusedNotLowered',
    (
      ('Sources/figmentd/Jobs/LocalEngine.swift',
       'if let delta = request.delta, delta > policy.delta {',
       'if let delta = request.delta, delta > 1 {'),
      ('Sources/Runs/Request/RunOrder+Request.swift',
       'delta: request.delta ?? budget.delta,',
       'delta: min(request.delta ?? budget.delta, budget.delta),'),
    )),
  Mutant(
    '122', 'a delta of one divided by the number of units is accepted',
    'PrivacyTests.GuaranteeStrengthTests/aDeltaIsComparedWithTheNumberOfUnits',
    (
      ('Sources/Privacy/GuaranteeStrength.swift',
       'return delta < 1 / Double(units) ? .noticeable : .large',
       'return delta <= 1 / Double(units) ? .noticeable : .large'),
    )),
  Mutant(
    '123', 'a plan treats a damaged ledger as an empty one',
    'FigmentdTests.LedgerReaderTests/nothingIsPlannedOrQueuedOnALedgerThatIsNotIntact',
    (
      ('Sources/Runs/Account/RootLedger.swift',
       'let history = try LedgerFile.history(at: location)',
       'let history = (try? LedgerFile.history(at: location)) ?? LedgerHistory()'),
    )),
  Mutant(
    '124', 'callers with read access receive the numbers of files',
    'FigmentdTests.LookingTests/datasetsHideTheNumbersOfTheirFiles',
    (
      ('Sources/figmentd/Control/Routes.swift',
       'case .datasets: try await value(api.datasets().map(\\.withoutCounts))',
       'case .datasets: try await value(api.datasets())'),
    )),
  Mutant(
    '125', 'callers with read access receive the names of files',
    'ControlTests.ControlRouteTests/whatHoldsRealImagesOrTheirNamesNeedsMoreThanTheRightToLook',
    (
      ('Sources/Control/ControlRoute.swift',
       'case .files, .preview, .rows: true', 'case .rows: true\n    case .files, .preview: false'),
    )),
  Mutant(
    '126', 'callers with read access receive the numbers of rows, and words about them',
    'ControlTests.ControlRouteTests/whatHoldsRealImagesOrTheirNamesNeedsMoreThanTheRightToLook',
    (
      ('Sources/Control/ControlRoute.swift',
       'case .files, .preview, .rows: true', 'case .files, .preview: true\n    case .rows: false'),
    )),
]
