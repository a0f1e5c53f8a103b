"""Seeded bugs at the border: in releases, charges and claims, and in the checks of a resumed run.

`edits` are (file, text, replacement), as in mutants.py.
"""
from mutant import Mutant


MUTANTS = [
  Mutant(
    '131', 'the ledger names the frozen images by their hash',
    'FigmentdTests.CouplingTests/aUnitThatNoStepDrewChangesNothing',
    (
      ('Sources/Runs/Execution/FrozenImages.swift',
       '    let identity = Identity(name: name, digest: "\\(snapshot.digest)")\n',
       '    let name = "\\(snapshot.digest)"\n'
       '    let identity = Identity(name: name, digest: name)\n'),
    )),
  Mutant(
    '132', 'the sample sheet is drawn with a seed that depends on the images',
    'FigmentdTests.CouplingTests/aUnitThatNoStepDrewChangesNothing',
    (
      ('Sources/Runs/Publication/RunPublisher.swift',
       'try writer.writeSheet(of: model, format: format, as: request)',
       'var shown = request\n'
       '    shown.seed &+= UInt64(try DurableFile.read(places.internalFiles + "/images.pack").reduce(0) { $0 + Int($1) })\n'
       '    try writer.writeSheet(of: model, format: format, as: shown)'),
    )),
  Mutant(
    '133', 'the secret name of the images is printed in the README of the set',
    'FigmentdTests.CouplingTests/theSecretNameOfTheImagesStaysInside',
    (
      ('Sources/Runs/Publication/ReleaseReadme.swift',
       '"`manifest.json`: SHA-256 of every file"',
       '"`manifest.json`: SHA-256 of every file of \\(plan.snapshot)"'),
    )),
  Mutant(
    '134', 'released files carry the time at which they were written',
    'FigmentdTests.CouplingTests/everythingThatIsReleasedCarriesOneTime',
    (
      ('Sources/Runs/Publication/SetPlace.swift',
       '    try FolderTree.setTimes(of: temporary, to: Self.fixedTime)\n',
       ''),
    )),
  Mutant(
    '135', 'a resumed run accepts a changed plan',
    'FigmentdTests.RunResumptionTests/aChangedDesignIsNotBelieved',
    (
      ('Sources/Runs/Plan/ResolvedPlan+Agreement.swift',
       'guard isSame && announced.snapshot == snapshot else {',
       'guard announced.snapshot == snapshot || isSame else {'),
    )),
  Mutant(
    '136', "any set with a manifest counts as the run's own",
    'FigmentdTests.SetPlaceTests/aReleaseWhoseRunIsForgottenIsNotReplaced',
    (
      ('Sources/Runs/Publication/SetPlace.swift',
       'try recorded().manifests.contains(data.sha256)\n',
       'try !data.isEmpty || recorded().manifests.contains("")\n'),
    )),
  Mutant(
    '137', 'the clock decides the points of the curves',
    'FigmentdTests.RunResumptionTests/curvesHaveTheirPointsAtTheStepsOfTheSchedule',
    (
      ('Sources/Runs/Execution/PhaseExecution.swift',
       'if bits != nil || schedule.hasPoint(after: progress.step, last: progress.lastStep) {',
       'if bits != nil || pace.isReportDue || progress.step == progress.lastStep {'),
    )),
  Mutant(
    '138', 'the clock decides the length of blocks',
    'FigmentdTests.RunResumptionTests/blocksFollowTheScheduleAndEachEndsWithACheckpoint',
    (
      ('Sources/Runs/Execution/PhaseExecution.swift',
       'blockSize: { schedule.blockSize },',
       'blockSize: { max(1, Int((pace.speed ?? 4) / 10)) },'),
    )),
  Mutant(
    '139', 'after a loss of the state, numbers of releases are reused',
    'FigmentdTests.SetPlaceTests/aLostStateDoesNotGiveNumbersOfReleasesAgain',
    (
      ('Sources/figmentd/Store/JobStore.swift',
       'let places = [folder, output, output + "/internal"]',
       'let places = [folder]'),
    )),
  Mutant(
    '140', 'a checkpoint is restored although the ledger records no such run',
    'FigmentdTests.RunResumptionTests/aCheckpointWhoseLedgerIsGoneIsNotContinued',
    (
      ('Sources/Runs/Execution/TrainingRun+Preparation.swift',
       '    if !plan.isProtected { return true }\n    if try history()',
       '    if !plan.isProtected || !plan.classes.isEmpty { return true }\n    if try history()'),
    )),
  Mutant(
    '141', 'a resumed run forgets the charges of earlier attempts',
    'FigmentdTests.TrainingRunTests/stepsLostToACrashStayChargedAndAreNotMadeAgain',
    (
      ('Sources/Runs/Account/RunAccount.swift',
       '($0.name, try $0.accesses(in: file.history.spent(by: order.name, for: $0.name)))',
       '($0.name, 0 * (try $0.accesses(in: file.history.spent(by: order.name, for: $0.name))))'),
    )),
  Mutant(
    '142', 'answers are left out of the price of a run',
    'FigmentdTests.ClassCountsTests/countsAreChargedFirstAndLeaveWithTheRelease',
    (
      ('Sources/Runs/Plan/RunOutline.swift',
       'try spent.add((before + own.compactMap { $0 } + after).event())',
       'try spent.add((own.compactMap { $0 }).event())'),
    )),
  Mutant(
    '143', 'a ledger for folders protects files',
    'FigmentdTests.FolderUnitTests/aFolderRunProtectsFoldersInLedgerStatementAndBatches',
    (
      ('Sources/Models/ProtectedUnit.swift',
       'case .folder: .subfolder(maximumImages: maximumPerUnit ?? Privacy.PrivacyUnit.noLimit)',
       'case .folder: .file'),
    )),
  Mutant(
    '144', 'a run ordered as hardened is not hardened',
    'FigmentdTests.TrainingRunTests/aHardenedRunResumesAndStatesItsNoise',
    (
      ('Sources/Runs/Request/RunOrder.swift',
       'if isHardened { settings.noise = .discreteGaussian }',
       'if isHardened { settings.noise = .gaussian }'),
    )),
  Mutant(
    '145', 'a lost answer is computed again',
    'FigmentdTests.ClassCountsTests/countsThatACrashLostAreNotAskedForAgain',
    (
      ('Sources/Runs/Execution/AnswerPhase.swift',
       'guard account.charged(phase.name) == 0 else {',
       'guard account.charged(phase.name) == 0 || account.attempt < 9 else {'),
    )),
  Mutant(
    '146', 'an answer is computed before it is charged',
    'FigmentdTests.ClassCountsTests/anAnswerThatCannotBeChargedIsNotWritten',
    (
      ('Sources/Runs/Execution/AnswerPhase.swift',
       '    let reservation = try account.ledger.reserve(access, times: 1, for: phase.name)\n'
       '    guard let answer = compute(reservation, makeNoise()) else {\n'
       '      // No noise was drawn, and the unfinished answer is forgotten: there was no access.\n'
       '      try account.ledger.settle(reservation, used: 0)\n'
       '      throw Stopped()\n'
       '    }\n'
       '    try DurableFile.write(try answer.value.encoded(), to: "\\(folder)/\\(Answer.name)")\n',
       '    let free = try MemoryLedger(budget: PrivacyBudget(epsilon: 1e6, delta: 1e-5))\n'
       '      .reserve(access, times: 1, for: phase.name)\n'
       '    guard let answer = compute(free, makeNoise()) else { throw Stopped() }\n'
       '    try DurableFile.write(try answer.value.encoded(), to: "\\(folder)/\\(Answer.name)")\n'
       '    let reservation = try account.ledger.reserve(access, times: 1, for: phase.name)\n'),
    )),
  Mutant(
    '147', 'noise on counts hides one image of a unit, not all',
    'PrivacyTests.CountQueryTests/noiseHidesAllImagesOfAUnit',
    (
      ('Sources/Privacy/CountQuery.swift',
       'let deviation = noiseMultiplier * Double(sensitivity)',
       'let deviation = noiseMultiplier * Double(min(1, sensitivity))'),
    )),
  Mutant(
    '148', "whether one person's image counts depends on another person's images",
    'DatasetsTests.DuplicateResolverTests/addingAPersonChangesNobodyElse',
    (
      ('Sources/Datasets/Snapshot/SnapshotRecord.swift',
       '    let key = Key(hash: record.hash, person: record.person)\n',
       '    let key = Key(hash: record.hash, person: nil)\n'),
      ('Sources/Datasets/Snapshot/SnapshotRecord.swift',
       'seen[Key(hash: record.hash, person: record.person)] else { return nil }',
       'seen[Key(hash: record.hash, person: nil)] else { return nil }'),
    )),
  Mutant(
    '149', 'the statement of a release claims its own run alone',
    'FigmentdTests.LedgerFileTests/theStatementOfAReleaseCoversTheRootAndWitnessesTheLedger',
    (
      ('Sources/Runs/Account/LedgerFileRun.swift',
       'for attempt in history.attempts\n    where !attempt.spent.isEmpty && !runs.contains(attempt.plan.run) {',
       'for attempt in history.attempts\n    where attempt.plan.run == plan.run && !runs.contains(attempt.plan.run) {'),
    )),
  Mutant(
    '150', 'a reservation is granted before it is flushed to disk',
    'FigmentdTests.LedgerFileFaultTests/everythingThatIsWrittenIsFlushedBeforeAnythingElseHappens',
    (
      ('Sources/Runs/Account/LedgerFile.swift',
       '      try disk.write(line.bytes, to: descriptor)\n      try disk.synchronize(descriptor)\n      try mark.write(position)\n',
       '      try disk.write(line.bytes, to: descriptor)\n      try mark.write(position)\n'),
    )),
  Mutant(
    '151', 'opening a ledger ignores its mark',
    'FigmentdTests.LedgerFileFaultTests/anOldCopyOfTheLedgerIsRefused',
    (
      ('Sources/Runs/Account/LedgerFile.swift',
       '      let marked = try mark.read()\n      for witness in witnesses + (marked.map { [$0.witness] } ?? []) {\n        try content.check(',
       '      let marked = try mark.read()\n      for witness in witnesses {\n        try content.check('),
    )),
  Mutant(
    '152', 'a removed line of the ledger is not detected',
    'FigmentdTests.LedgerFileFaultTests/everyFlippedByteIsRefused',
    (
      ('Sources/Runs/Account/LedgerFileLine.swift',
       'guard LedgerFileLine.intactHash(of: bytes[start..<end]) != nil else {',
       'guard end > start else {'),
      ('Sources/Runs/Account/LedgerFileLine.swift',
       'guard let hash = Self.intactHash(of: line) else { return nil }',
       'let hash = Self.intactHash(of: line) ?? Self.beginning'),
    )),
  Mutant(
    '153', 'a settlement may return more than was reserved',
    'PrivacyTests.LedgerHistoryTests/aSettlementGivesBackNoMoreThanItsReservation',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'guard settle.used >= 0, settle.used <= charge.entry.times else {',
       'guard settle.used <= charge.entry.times else {'),
    )),
  Mutant(
    '154', 'a resumed trainer repeats lost steps',
    'ModelsTests.TrainerTests/whatACrashLostIsNotMadeAgain',
    (
      ('Sources/Models/Trainer.swift',
       '    plannedSteps - lost\n',
       '    plannedSteps - min(0, lost)\n'),
    )),
  Mutant(
    '155', 'units that overflow are clipped at twice the clip norm when they are summed alone',
    'LearningTests.SensitivityTests/unitsThatAreSummedAloneAreClippedAlike',
    (
      ('Sources/Learning/Private/PrivateNetwork.swift',
       'forEachUnit(of: examples, loss, clipNorm: clipNorm, in: pass) { contribution in',
       'forEachUnit(of: examples, loss, clipNorm: 2 * clipNorm, in: pass) { contribution in'),
    )),
  Mutant(
    '156', 'the plan has a separate sampling probability',
    'ModelsTests.TrainingPlanTests/thePlanSamplesWithTheProbabilityThatIsAccounted',
    (
      ('Sources/Models/TrainingPlan.swift',
       'mechanism?.samplingProbability ?? Double(batchSize) / Double(population)',
       'min(1, 2 * Double(batchSize) / Double(population))'),
    )),
  Mutant(
    '157', 'a finished run reports that it spent nothing',
    'FigmentdTests.TrainingRunTests/aRunWritesItsReleaseAndChargesItsPlan',
    (
      ('Sources/Runs/Publication/RunPublisher.swift',
       '    if let statement { try account.release(manifest, claim: statement.total) }\n',
       ''),
    )),
  Mutant(
    '158', 'found facts are stated as declared',
    'FigmentdTests.TrainingRunTests/factsThatWereOnlyFoundAreNotCalledDeclared',
    (
      ('Sources/Runs/Request/RunOrder.swift',
       'if population != nil { facts.insert(.population) }',
       'facts.insert(.population)'),
    )),
  Mutant(
    '159', 'frozen images are not compared with those that the run began with',
    'FigmentdTests.RunResumptionTests/otherFrozenImagesAreNotTrainedOn',
    (
      ('Sources/Runs/Execution/FrozenImages.swift',
       'guard identity.digest == digest, identity.name == name else {',
       'guard identity.name == name else {'),
    )),
  Mutant(
    '160', 'steps that a crash lost stay in the curves',
    'FigmentdTests.RunResumptionTests/curvesForgetTheStepsThatACrashLost',
    (
      ('Sources/Runs/Records/RunFiles.swift',
       'let kept = all.filter { $0.step <= step }',
       'let kept = all.filter { $0.step <= step || step >= 0 }'),
    )),
  Mutant(
    '161', 'releases always claim that everything was planned',
    'PrivacyTests.PrivacyStatementTests/mechanismsChosenAfterLookingAreClaimedByRenyiAlone',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       'try Self.cost(of: claimed, delta, basis)',
       'try Self.cost(of: claimed, delta, .planned)'),
    )),
  Mutant(
    '162', 'files that somebody added to a release are deleted when it is drawn again',
    'FigmentdTests.SetPlaceTests/whatWasAddedToAReleaseOrChangedInItStays',
    (
      ('Sources/Runs/Publication/SetPlace.swift',
       'guard found.remove(ListedFiles.name) != nil, found == Set(manifest.files.keys) else {',
       'guard found.remove(ListedFiles.name) != nil, found.count > 1 else {'),
    )),
  Mutant(
    '205', 'the rest of epsilon is calibrated without the phases that have a share',
    'FigmentdTests.RunOutlineTests/eachShareBoundsItsPhaseAloneAndTheRestFillsTheBudget',
    (
      ('Sources/Runs/Plan/RunOutline.swift',
       'try spent.add((before + own.compactMap { $0 } + after).event())',
       'try spent.add((before + after).event())'),
    )),
  Mutant(
    '206', 'a phase with a share may cost half as much again',
    'FigmentdTests.RunOutlineTests/eachShareBoundsItsPhaseAloneAndTheRestFillsTheBudget',
    (
      ('Sources/Runs/Plan/RunOutline.swift',
       'PrivacyBudget(epsilon: share * budget.epsilon, delta: budget.delta)',
       'PrivacyBudget(epsilon: 1.5 * share * budget.epsilon, delta: budget.delta)'),
    )),
  Mutant(
    '207', 'a phase is charged under the name of another',
    'FigmentdTests.PhasedRunTests/aRunThatIsStoppedInAnyPhaseEndsWithAnExactLedger',
    (
      ('Sources/Runs/Execution/PhaseExecution.swift',
       'ledger: account.ledger, phase: phase.name, step: step,\n      charged: charged',
       'ledger: account.ledger, phase: phase.name + " ", step: step,\n      charged: charged'),
    )),
  Mutant(
    '208', 'a plan with a phase that its family did not state is carried out',
    'FigmentdTests.PhasedRunTests/aPlanThatNamesAPhaseItsFamilyNeverStatedIsRefused',
    (
      ('Sources/Runs/Plan/ResolvedPlan+Checks.swift',
       'guard stated.map(\\.name) == own.map(\\.name), stated',
       'guard stated.map(\\.name) == own.map(\\.name) || !stated.isEmpty, stated'),
    )),
  Mutant(
    '209', 'each vector of a unit is clipped alone',
    'LearningTests.VectorSumTests/allVectorsOfAUnitAreClippedTogether',
    (
      ('Sources/Learning/Private/VectorSum.swift',
       '          for index in 0..<blockSize { contribution.pointer[place + index] += vector[index] }\n        }\n        grid.add(contribution, to: &sum, blocks: blocks, of: blockSize)\n',
       '          contribution.fill(0)\n          for index in 0..<blockSize { contribution.pointer[place + index] = vector[index] }\n          grid.add(contribution, to: &sum, blocks: blocks, of: blockSize)\n        }\n'),
    )),
  Mutant(
    '210', 'the noise of a vector sum is that of its mean',
    'LearningTests.VectorSumTests/noiseHasTheMechanismsDeviation',
    (
      ('Sources/Learning/Private/GridNoise.swift',
       'source.addGaussian(to: drawn, standardDeviation: noiseStandardDeviation)',
       'source.addGaussian(\n        to: drawn,\n        standardDeviation: noiseStandardDeviation / Double(nominalBatchSize))'),
    )),
  Mutant(
    '211', "features are normalised by the statistics of their batch",
    'LearningTests.ScatteringMapTests/featuresOfAnImageDependOnThatImageAlone',
    (
      ('Sources/Learning/Scattering/ScatteringMap.swift',
       'self.normalize(target.pointer + example * self.dimension)',
       'self.normalize(target.pointer + example / 2 * self.dimension)'),
    )),
  Mutant(
    '212', 'features are kept under the position in the batch, not under the place of the image',
    'LearningTests.KeptFeaturesTests/whatIsKeptEqualsWhatIsComputedAnew',
    (
      ('Sources/Learning/Private/KeptFeatures.swift',
       'if let place = places?.indices[example] { keep(row, at: place) }',
       'if places != nil { keep(row, at: example) }'),
    )),
  Mutant(
    '213', 'a teacher also learns in the steps that pay for the generator alone',
    'ModelsTests.TaughtTests/theTeacherLearnsInItsOwnPhaseAlone',
    (
      ('Sources/Models/Taught/Taught.swift',
       '      teacher.forget()\n      return try generator.step(step, on: images)',
       '      _ = teacher.step(step, on: images)\n      return try generator.step(step, on: images)'),
    )),
  Mutant(
    '214', "a teacher's phase asks for no share, so that its noise is not that of its part",
    'ModelsTests.TaughtTests/theTeacherHasAPhaseWithAShareBeforeThoseOfTheGenerator',
    (
      ('Sources/Models/Taught/PrivateTeacherSettings.swift',
       '      share: share)',
       '      share: min(0.999, 2 * share))'),
    )),
  Mutant(
    '215', 'a public folder may share images with the private one',
    'FigmentdTests.PublicImagesRunTests/'
    'aFolderThatSharesAnImageWithThePrivateOnesIsRefusedBeforeAnythingIsCharged',
    (
      ('Sources/Runs/Execution/PublicFolder.swift',
       '    guard shared == 0 else {',
       '    guard shared >= 0 else {'),
    )),
  Mutant(
    '216', 'a model without a statement may be started from',
    'FigmentdTests.StartingModelRunTests/aModelWithoutAStatementIsRefused',
    (
      ('Sources/Runs/Execution/Priors.swift',
       '    guard names.contains("manifest.json"), names.contains("privacy.json") else {\n',
       '    guard names.contains("privacy.json") else {\n'),
    )),
  Mutant(
    '224', 'weights that may know private images count as learnt from drawn ones',
    'ModelsTests.StartingWeightsTests/aFileOfWeightsThatMayKnowOtherImagesIsRefused',
    (
      ('Sources/Models/Priors/StartingWeights.swift',
       'priors.values.allSatisfy({ $0.source == .procedural })',
       'priors.values.allSatisfy({ $0.steps > 0 })'),
    )),
  Mutant(
    '225', 'the model of a release counts as weights that know no private image',
    'FigmentdTests.PretrainedWeightsTests/theModelOfAReleaseIsRefusedAsAFile',
    (
      ('Sources/Runs/Execution/Priors.swift',
       '    guard model.learntFrom?.hasPrefix(PreTraining.images) == true else {',
       '    guard model.learntFrom?.hasPrefix(PreTraining.images) != false else {'),
    )),
  Mutant(
    '232', 'private images of classes that are not named may be public',
    'FigmentdTests.PublicImagesRunTests/aPrivateImageThatTheRunLeavesOutIsNotPublicEither',
    (
      ('Sources/Datasets/DatasetRules.swift',
       '      classes != nil || maximumPerUnit != nil || privacyUnit != .file\n',
       '      maximumPerUnit != nil || privacyUnit != .file\n'),
    )),
]
