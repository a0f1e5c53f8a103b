"""The bugs that the suite must find: 1 to 30 in the mechanism, from 101 on at its border.

`edits` are (file, text, replacement); every text must occur in its file exactly once. The compiler must refuse
a mutant with a `message`, for that reason, and must accept its `control`, the same code without the forbidden
part.
"""
from border_mutants import MUTANTS as BORDER_MUTANTS
from claim_mutants import MUTANTS as CLAIM_MUTANTS
from mutant import Mutant
from stranger_mutants import STRANGER_MUTANTS
from choice_mutants import CHOICE_MUTANTS
from table_mutants import TABLE_MUTANTS

LEARNING = "Sources/Learning/"
PRIVACY = "Sources/Privacy/"
MODELS = "Sources/Models/"


# The type of private images keeps models from reading them. A bug that reads them is seeded twice: without
# an accessor, which the compiler must refuse, and with this one, which a test must detect.
IMAGES_OPENED = (
  'Sources/Learning/Private/PrivateExamples.swift',
  '  let source: any ExampleSource\n',
  '  let source: any ExampleSource\n  public var opened: any ExampleSource { source }\n')

GENERATOR_SEES_IMAGES = (
  ('Sources/Models/DPGAN/DPGAN.swift',
   'if schedule.discriminatorStepped() { updateGenerator(step) }',
   'if schedule.discriminatorStepped() { updateGenerator(step, images) }'),
  ('Sources/Models/DPGAN/DPGAN.swift',
   '        loss: loss(.generator), modeSeeking: settings',
   '        loss: BinaryCrossEntropy(target: Float(min(1, real))), modeSeeking: settings'),
)

# Images that a model of the family may read.
FAKES = 'GeneratedExamples(generator, latents: self.latents(step.batchSize, seed: [3]))'


def loss_of(images):
  return (
    f'discriminator.addPublicGradient(\n      over: {images}, loss: BinaryCrossEntropy(target: 1), '
    'clipNorm: nil, scale: 0,\n      to: fakeGradient, in: discriminatorPass)\n')


def generator_aiming_at(images):
  return (
    'private func updateGenerator(_ step: TrainingStep, _ images: PrivateExamples) {\n'
    f'    let real = {loss_of(images)}')


def gan_telling_loss_of(images):
  line = '    values[.discriminatorLossOnFakes] = fakeLoss\n'
  return (
    'Sources/Models/DPGAN/DPGAN.swift', line,
    f'{line}    values[TrainingCurve("discriminator_loss_reals")] = {loss_of(images)}')


def pixel_model_telling(curve):
  line = '    return report\n'
  return (
    'Sources/Models/PixelModel/PixelModel.swift', line,
    f'    report.curves[.bitsPerDimension] = {curve}\n{line}')


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
    '2', 'a part of the parameters gets no noise',
    'LearningTests.NoiseTests/noiseDiffersBetweenTensorsAndSteps',
    (
      ('Sources/Compute/Random/NoiseStream.swift',
       '    let count = tensor.count\n',
       '    let count = tensor.count / 2\n'),
      ('Sources/Compute/Random/NoiseStream.swift',
       '(tensor.count + group - 1) / group',
       '(tensor.count / 2 + group - 1) / group'),
    )),
  Mutant(
    '3', 'the same noise for two tensors',
    'LearningTests.NoiseTests/noiseDiffersBetweenTensorsAndSteps',
    (
      ('Sources/Learning/Private/ClippedSum.swift',
       '  private let machine: Machine\n',
       '  private let machine: Machine\n  var pieces: [Range<Int>] = []\n'),
      ('Sources/Learning/Private/ClippedSum.swift',
       '    noise.addGaussian(\n      to: sum.values, standardDeviation: mechanism.noiseStandardDeviation, on: machine)\n',
       '    let before = Array(sum.values.buffer)\n    noise.addGaussian(\n      to: sum.values, standardDeviation: mechanism.noiseStandardDeviation, on: machine)\n    let drawn = zip(sum.values.buffer, before).map { $0 - $1 }\n    for piece in pieces {\n      for index in piece {\n        sum.values.pointer[index] = before[index] + drawn[index - piece.lowerBound]\n      }\n    }\n'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    return ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n',
       '    var result = ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n    result.pieces = parameters.parameters.map { $0.offset..<($0.offset + $0.shape.count) }\n    return result\n'),
    )),
  Mutant(
    '4', 'the same noise in two steps',
    'LearningTests.NoiseTests/noiseDiffersBetweenTensorsAndSteps',
    (
      ('Sources/Compute/Random/NoiseStream.swift',
       '    counter += UInt64(groupCount) * UInt64(CK_NOISE_BLOCKS)\n',
       '    counter += UInt64(groupCount) * 0\n'),
    )),
  Mutant(
    '5', 'noise once per micro-batch',
    'LearningTests.PrivateNetworkTests/microBatchesDoNotChangeTheNoise',
    (
      ('Sources/Learning/Private/ClippedSum.swift',
       '  private let machine: Machine\n',
       '  private let machine: Machine\n  var chunks = 1\n'),
      ('Sources/Learning/Private/ClippedSum.swift',
       '    noise.addGaussian(\n      to: sum.values, standardDeviation: mechanism.noiseStandardDeviation, on: machine)\n',
       '    for _ in 0..<max(1, chunks) {\n      noise.addGaussian(\n        to: sum.values, standardDeviation: mechanism.noiseStandardDeviation, on: machine)\n    }\n'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    return ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n',
       '    var result = ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n    result.chunks = examples.microBatches(of: microBatchSize).count\n    return result\n'),
    )),
  Mutant(
    '6', 'divided by the batch that was drawn',
    'LearningTests.PrivateNetworkTests/divisorIsThePlansWhateverWasDrawn',
    (
      ('Sources/Learning/Private/ClippedSum.swift',
       '  private let machine: Machine\n',
       '  private let machine: Machine\n  var drawn = 1\n'),
      ('Sources/Learning/Private/ClippedSum.swift',
       'Float(1 / Double(mechanism.nominalBatchSize))',
       'Float(1 / Double(max(1, drawn)))'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    return ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n',
       '    var result = ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n    result.drawn = examples.count\n    return result\n'),
    )),
  Mutant(
    '7', 'divided by the average batch size, rounded down',
    'ModelsTests.TrainingPlanTests/theDivisorIsTheRecipesBatchSizeForEveryPopulation',
    (
      ('Sources/Models/TrainingPlan.swift',
       'nominalBatchSize: batchSize',
       'nominalBatchSize: max(1, Int(Double(batchSize) / Double(population) * Double(population)))'),
    )),
  Mutant(
    '8', 'every layer clipped at the clip norm',
    'LearningTests.SensitivityTests/oneExampleMovesTheSumByAtMostTheClipNorm',
    (
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    let weights = pass.arena.make(Shape(range.count))\n    weights.assign(norms.map { ClipWeights.weight(norm: $0, clipNorm: clipNorm) })\n    for layer in layers { layer.addGradient(weightedBy: weights, in: pass) }\n',
       '    for layer in layers {\n      var squares = [Double](repeating: 0, count: range.count)\n      squares.withUnsafeMutableBufferPointer { layer.addSquaredGradientNorms(to: $0, in: pass) }\n      let weights = pass.arena.make(Shape(range.count))\n      weights.assign(\n        squares.map { ClipWeights.weight(norm: $0.squareRoot(), clipNorm: clipNorm) })\n      layer.addGradient(weightedBy: weights, in: pass)\n    }\n'),
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
    '11', 'the largest norm among the layers instead of the Euclidean norm over all',
    'LearningTests.SensitivityTests/oneExampleMovesTheSumByAtMostTheClipNorm',
    (
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    squares.withUnsafeMutableBufferPointer { buffer in\n      for layer in layers { layer.addSquaredGradientNorms(to: buffer, in: pass) }\n    }\n',
       '    for layer in layers {\n      var own = [Double](repeating: 0, count: pass.exampleCount)\n      own.withUnsafeMutableBufferPointer { layer.addSquaredGradientNorms(to: $0, in: pass) }\n      for index in own.indices { squares[index] = max(squares[index], own[index]) }\n    }\n'),
    )),
  Mutant(
    '12', 'a gradient that is not a number goes into the sum',
    'LearningTests.SensitivityTests/spoiltGradientsContributeNothing',
    (
      ('Sources/Learning/Private/ClipWeights.swift',
       'norm < Double(Float.greatestFiniteMagnitude)',
       'true'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       'if !pass.machine.isFinite(sum.values) {',
       'if !pass.machine.isFinite(sum.values), pass.machine.isFinite(sum.values) {'),
    )),
  Mutant(
    '13', 'an empty batch makes no step',
    'ModelsTests.FamilyTests/anEmptyBatchStillMovesTheModel',
    (
      ('Sources/Learning/Private/ClippedSum.swift',
       '  private let machine: Machine\n',
       '  private let machine: Machine\n  var drawn = 1\n'),
      ('Sources/Learning/Private/ClippedSum.swift',
       '    return NoisedGradient(buffer: sum)\n',
       '    return NoisedGradient(buffer: sum, isOfNobody: drawn == 0)\n'),
      ('Sources/Learning/Private/NoisedGradient.swift',
       '  let buffer: GradientBuffer\n',
       '  let buffer: GradientBuffer\n  var isOfNobody = false\n'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    return ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n',
       '    var result = ClippedSum(of: sum, mechanism: mechanism, machine: pass.machine)\n    result.drawn = examples.count\n    return result\n'),
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    withExtendedLifetime(gradient.buffer) {\n',
       '    if gradient.isOfNobody { return }\n    withExtendedLifetime(gradient.buffer) {\n'),
    )),
  Mutant(
    '14', 'batches of a fixed size',
    'DatasetsTests.PoissonSamplerTests/batchSizesAreBinomial',
    (
      ('Sources/Datasets/Batch/PoissonSampler.swift',
       '    var taken: [Int32] = []\n',
       '    if threshold > 0 {\n      let size = Int((probability * Double(candidateCount)).rounded())\n      return (0..<candidateCount).map(Int32.init).shuffled(using: &source).prefix(size).sorted()\n    }\n    var taken: [Int32] = []\n'),
    )),
  Mutant(
    '15', 'batches drawn by a generator seeded by the clock',
    'ModelsTests.SnapshotImagesTests/everyBatchIsDrawnByTheCoinsOfTheGivenStream',
    (
      ('Sources/Models/SnapshotImages.swift',
       'public import Datasets\n',
       'public import Datasets\nimport Glibc\n'),
      ('Sources/Models/SnapshotImages.swift',
       'var source = noise\n',
       'var source = SeededStream(seed: UInt64(time(nil)))\n'),
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
    '17', 'batch normalisation in a private network',
    'LearningTests.none/none',
    (
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    PrivateNetwork(\n      layers, parameters: parameters, seed: seed, microBatchSize: microBatchSize)',
       '    var net = self\n    net.batchNorm()\n    return PrivateNetwork(\n      net.layers, parameters: parameters, seed: seed, microBatchSize: microBatchSize)'),
    ),
    message="has no member 'batchNorm'",
    control=(
      ('Sources/Learning/Private/PrivateNetwork.swift',
       '    PrivateNetwork(\n      layers, parameters: parameters, seed: seed, microBatchSize: microBatchSize)',
       '    var net = self\n    net.leakyReLU(0.2)\n    return PrivateNetwork(\n      net.layers, parameters: parameters, seed: seed, microBatchSize: microBatchSize)'),
    ),
    module='Learning'),
  Mutant(
    '18a', 'the generator aims at the loss of the real batch',
    'ModelsTests.none/none',
    (
      *GENERATOR_SEES_IMAGES,
      ('Sources/Models/DPGAN/DPGAN.swift',
       'private func updateGenerator(_ step: TrainingStep) {\n',
       generator_aiming_at('images')),
    ),
    message="requires that 'PrivateExamples' conform to 'ExampleSource'",
    control=(
      *GENERATOR_SEES_IMAGES,
      ('Sources/Models/DPGAN/DPGAN.swift',
       'private func updateGenerator(_ step: TrainingStep) {\n',
       generator_aiming_at(FAKES)),
    ),
    module='Models'),
  Mutant(
    '18b', 'the generator aims at the loss of the real batch, through an accessor',
    'ModelsTests.FamilyTests/theGeneratorLearnsOfRealImagesThroughTheDiscriminatorAlone',
    (
      IMAGES_OPENED,
      *GENERATOR_SEES_IMAGES,
      ('Sources/Models/DPGAN/DPGAN.swift',
       'private func updateGenerator(_ step: TrainingStep) {\n',
       generator_aiming_at('images.opened')),
    )),
  Mutant(
    '19', 'steps reserved after they were computed',
    'ModelsTests.TrainerTests/everyBlockIsReservedBeforeItsFirstStepAndSettledAfterItsLast',
    (
      ('Sources/Models/Trainer.swift',
       '    let reservation = try ledger.reserve(access, times: count, for: phase)\n',
       ''),
      ('Sources/Models/Trainer.swift',
       '    try ledger.settle(reservation, used: made)\n',
       '    let reservation = try ledger.reserve(access, times: count, for: phase)\n    try ledger.settle(reservation, used: made)\n'),
    )),
  Mutant(
    '20', 'a resumed run forgets the reservations of the earlier attempt',
    'PrivacyTests.LedgerHistoryTests/aNewAttemptEndsTheOneBefore',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       '      attempts[index].outcome = "superseded"\n',
       '      attempts[index].outcome = "superseded"\n      spent = try spent.subtracting(attempts[index].spent)\n'),
    )),
  Mutant(
    '21', 'every run draws the same noise',
    'LearningTests.NoiseTests/streamsOfTwoRunsShareNothing',
    (
      ('Sources/Compute/Random/NoiseStream.swift',
       '      let status = getentropy(key.baseAddress, byteCount)\n',
       '      let status = byteCount - key.count * 4\n'),
    )),
  Mutant(
    '22', 'one discriminator step in two is settled',
    'ModelsTests.TrainerTests/everyBlockIsReservedBeforeItsFirstStepAndSettledAfterItsLast',
    (
      ('Sources/Models/Trainer.swift',
       'try ledger.settle(reservation, used: made)',
       'try ledger.settle(reservation, used: made / 2)'),
    )),
  Mutant(
    '23', 'the charges of an earlier attempt are not counted',
    'PrivacyTests.LedgerHistoryTests/aNewAttemptEndsTheOneBefore',
    (
      ('Sources/Privacy/Ledger/LedgerHistory.swift',
       '    try sum.add(tally)\n',
       '    if reserve.attempt > 1 { sum = EventTally() }\n    try sum.add(tally)\n'),
    )),
  Mutant(
    '24a', 'the Rényi accountant computes epsilon at twice the delta',
    'PrivacyTests.RenyiAccountantTests/epsilonLiesBetweenTheTrueDivergenceAndTheReferenceLibrary',
    (
      ('Sources/Privacy/Accountants/RenyiAccountant.swift',
       'try bound(atDelta: delta).epsilon',
       'try bound(atDelta: delta * 2).epsilon'),
    )),
  Mutant(
    '24b', 'the privacy loss accountant computes epsilon at half the delta',
    'PrivacyTests.PrivacyLossAccountantTests/epsilonLiesBetweenTheRigorousLowerBoundAndTheReferenceLibrary',
    (
      ('Sources/Privacy/Accountants/PrivacyLossAccountant.swift',
       'epsilon(atDelta: delta, tolerance: Self.standardTolerance)',
       'epsilon(atDelta: delta / 2, tolerance: Self.standardTolerance)'),
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
    '26', 'images scaled by the mean of their batch',
    'DatasetsTests.DatasetSnapshotTests/aBatchIsScaledByConstants',
    (
      ('Sources/Datasets/Batch/Batch.swift',
       '    let size = snapshot.shape.sampleCount\n    for (place',
       '    let size = snapshot.shape.sampleCount\n    let all = images.flatMap { Array(snapshot.pixels(of: Int($0))) }\n    let mean = all.reduce(Float(0)) { $0 + Float($1) } / Float(max(1, all.count))\n    for (place'),
      ('Sources/Datasets/Batch/Batch.swift',
       'numbers[index] = PixelScale.number(of: source[index])',
       'numbers[index] = (Float(source[index]) - mean) / 127.5'),
    )),
  Mutant(
    '27', 'the number of units in the manifest of a release',
    'FigmentdTests.TrainingRunTests/aReleaseHoldsNoKeyBesideThoseThatMayLeave',
    (
      ('Sources/Runs/Publication/RunPublisher.swift',
       'writer.writeManifest(run: order.name, software: Version.current)',
       'writer.writeManifest(\n      run: order.name, software: Version.current, units: design.plan.population)'),
      ('Sources/Runs/Publication/ReleaseWriter.swift',
       'func writeManifest(run: String, software: String) throws',
       'func writeManifest(run: String, software: String, units: Int? = nil) throws'),
      ('Sources/Runs/Publication/ReleaseWriter.swift',
       '  let files: [String: String]\n',
       '  let files: [String: String]\n  let units: Int?\n'),
      ('Sources/Runs/Publication/ReleaseWriter.swift',
       'SetManifest(run: run, software: software, files: hashes)',
       'SetManifest(run: run, software: software, files: hashes, units: units)'),
    )),
  Mutant(
    '28a', 'the loss on real images among the curves',
    'ModelsTests.none/none',
    (gan_telling_loss_of('images'),),
    message="requires that 'PrivateExamples' conform to 'ExampleSource'",
    control=(gan_telling_loss_of(FAKES),),
    module='Models'),
  Mutant(
    '28b', 'the likelihood of real images among the curves of a pixel model',
    'ModelsTests.none/none',
    (pixel_model_telling('Releasable(bitsPerDimension(of: images), .postProcessing)'),),
    message="argument type 'PrivateExamples' does not conform to expected type 'ExampleSource'",
    control=(
      pixel_model_telling(
        'Optional<any ExampleSource>.none.map {\n        Releasable(bitsPerDimension(of: $0), .postProcessing)\n      }'),
    ),
    module='Models'),
  Mutant(
    '28c', 'the loss on real images, through an accessor, among the curves',
    'ModelsTests.FamilyTests/whatADiscriminatorStepTellsDoesNotDependOnItsRealImages',
    (IMAGES_OPENED, gan_telling_loss_of('images.opened'))),
  Mutant(
    '28d', 'the likelihood of real images, through an accessor, among the curves of a pixel model',
    'ModelsTests.PixelModelTrainingTests/privateTrainingPaysInTheLedgerAndTellsNothingOfTheImages',
    (
      IMAGES_OPENED,
      pixel_model_telling('Releasable(bitsPerDimension(of: images.opened), .postProcessing)'),
    )),
  Mutant(
    '28e', 'the loss without noise declared releasable',
    'ModelsTests.none/none',
    (
      ('Sources/Models/PixelModel/PixelModel.swift',
       'report.privateCurves[.bitsPerDimension] = nats?.map { [format] in\n'
       '      format.bitsPerDimension(nats: $0)\n    }\n',
       'let bits: Sensitive<Double>? = nats?.map { [format] in\n'
       '      format.bitsPerDimension(nats: $0)\n    }\n'
       '    report.curves[.bitsPerDimension] = bits\n'),
    ),
    message="cannot assign value of type 'Sensitive<Double>.' to type 'Releasable<Double>",
    module='Models'),
  Mutant(
    '29', 'the key of the noise is written to a checkpoint',
    'ModelsTests.none/none',
    (
      ('Sources/Models/DPGAN/DPGAN.swift',
       '    schedule.save(into: &checkpoint)\n',
       '    schedule.save(into: &checkpoint)\n    checkpoint.metadata["key"] = String(NoiseStream().key[0])\n'),
    ),
    message='is inaccessible due to .private.',
    control=(('Sources/Models/DPGAN/DPGAN.swift',
       '    schedule.save(into: &checkpoint)\n',
       '    schedule.save(into: &checkpoint)\n    checkpoint.metadata["key"] = String(NoiseStream().next())\n'),),
    module='Models'),
  Mutant(
    '30', 'comparisons that NaN passes',
    'PrivacyTests.EventTests/budgetsWithoutMeaningAreRefused',
    (
      ('Sources/Privacy/PrivacyError.swift',
       'guard value > 0, value < .infinity else',
       'guard !(value <= 0), !(value >= .infinity) else'),
    )),
  Mutant(
    '220', 'the norm of a class projection forgets the output gradient',
    'LearningTests.LayerTests/classProjection',
    (
      ('Sources/Learning/Layers/ClassProjection.swift',
       'norms[index] += features[index] * slope * slope',
       'norms[index] += features[index] * abs(slope)'),
    )),
  Mutant(
    '221', 'the shortcut of a residual sum left out of the norm',
    'LearningTests.LayerTests/aClassProjectionBesideALogit',
    (
      ('Sources/Learning/Layers/Residual.swift',
       '    for layer in layers { layer.addSquaredGradientNorms(to: norms, in: pass) }',
       '    for layer in layers.prefix(1) { layer.addSquaredGradientNorms(to: norms, in: pass) }'),
    )),
  Mutant(
    '222', 'the offsets of a group norm left out of the norm',
    'LearningTests.LayerTests/groupNorm',
    (
      ('Sources/Learning/Layers/GroupNorm.swift',
       '    pass.machine.addSquaredNorms(ofRows: offsetGradients, to: norms)\n',
       '    _ = offsetGradients\n'),
    )),
  Mutant(
    '223', 'as many fakes as real images were drawn, through an accessor',
    'ModelsTests.FamilyTests/whatADiscriminatorStepTellsDoesNotDependOnItsRealImages',
    (
      IMAGES_OPENED,
      ('Sources/Models/DPGAN/DPGAN.swift',
       'let count = settings.discriminatorFakes ?? step.batchSize',
       'let count = images.opened.count'),
    )),
  Mutant(
    '226', 'the noise of a code follows from its place in the micro-batch',
    'LearningTests.ReparameterizationTests/theNoiseOfAnImageDependsNeitherOnItsPlaceNorOnTheOthers',
    (
      ('Sources/Learning/Layers/Reparameterization.swift',
       'Self.stream(key: images?.keys[example] ?? 0, seed',
       'Self.stream(key: UInt64(example), seed'),
    )),
  Mutant(
    '227', 'the divergence of variances left out of the gradient',
    'LearningTests.ReparameterizationTests/theGradientOfEarlierLayersIsThatOfTheWholeBound',
    (
      ('Sources/Learning/Layers/Reparameterization.swift',
       'let varianceSlope = divergenceWeight * (exp(logVariance) - 1) / 2',
       'let varianceSlope = 0.0'),
    )),
  Mutant(
    '228', 'the divergence enters the gradient after the norm',
    'LearningTests.ReparameterizationTests/theNormThatIsClippedIsThatOfTheWholeBound',
    (
      ('Sources/Learning/Layers/Reparameterization.swift',
       'let meanSlope = divergenceWeight * Double(numbers[index])', 'let meanSlope = 0 * Double(numbers[index])'),
      ('Sources/Learning/Layers/Reparameterization.swift',
       '    return inputGradient\n  }\n\n  /// The divergence of each',
       '    late = inputGradient\n    return inputGradient\n  }\n\n  private var late: Tensor?\n\n'
       '  public func addSquaredGradientNorms(\n'
       '    to norms: UnsafeMutableBufferPointer<Double>, in pass: Pass\n  ) {\n'
       '    guard let late, let input else { return }\n'
       '    let count = outputShape.count\n'
       '    for place in 0..<(2 * count * pass.exampleCount) where place % (2 * count) < count {\n'
       '      late.pointer[place] += Float(divergenceWeight) * input.pointer[place]\n    }\n  }\n\n'
       '  /// The divergence of each'),
    )),
  Mutant(
    '229', 'codes are not clipped before their moments are summed',
    'LearningTests.CodeMomentsTests/aCodeHoweverLongAddsAVectorOfAtMostNormOne',
    (
      ('Sources/Learning/Private/CodeMoments.swift',
       'let factor = 1 / max(largestNorm, square.squareRoot())', 'let factor = 1 / largestNorm'),
    )),
  Mutant(
    '230', 'the norm of a sum of moments without noise leaves',
    'ModelsTests.VAETests/theNormOfTheSumLeavesOnlyWithNoise',
    (
      ('Sources/Models/VAE/VAE.swift',
       'return step.report(ofWeights: [.codeNorm: sum.norm / Double(step.batchSize)])',
       'return StepReport(curves: [.codeNorm: Releasable(sum.norm, .postProcessing)])'),
    )),
  Mutant(
    '231', 'the noise on the moments of codes is a tenth of the mechanism\'s',
    'ModelsTests.VAETests/theSumOfMomentsHasTheNoiseOfItsMechanism',
    (
      ('Sources/Models/Family/NoisySum.swift',
       '    case .noise(let mechanism):\n',
       '    case .noise(let told):\n'
       '      let mechanism = try SubsampledGaussian(\n'
       '        samplingProbability: told.samplingProbability,\n'
       '        noiseMultiplier: told.noiseMultiplier / 10, clipNorm: told.clipNorm,\n'
       '        nominalBatchSize: told.nominalBatchSize, noise: told.noise)\n'),
    )),
  Mutant(
    '260', 'rows are drawn children first',
    'ModelsTests.BayesianNetworkInferenceTests/rowsAreDrawnWithTheirProbabilities',
    (
      ('Sources/Models/BayesianNetwork/CodeNetwork+Rows.swift',
       '    for node in nodes {\n', '    for node in nodes.reversed() {\n'),
    )),
  Mutant(
    '261', 'a separator is counted twice: its child is not divided by it',
    'ModelsTests.BayesianNetworkInferenceTests/marginalsOfUpToThreeColumnsAreThoseOfAllRows',
    (
      ('Sources/Models/BayesianNetwork/JunctionTree.swift',
       'multiply(node, by: sums.map { 1 / $0 }, at: places)',
       'multiply(node, by: sums.map { _ in 1 }, at: places)'),
    )),
  Mutant(
    '262', 'measurements of a fit count alike, whatever their noise',
    'ModelsTests.BayesianNetworkInferenceTests/aFitToContradictingTablesIsTheBestAmongAllDistributions',
    (
      ('Sources/Models/BayesianNetwork/TableFit.swift', 'sum += own / table.variance', 'sum += own'),
      ('Sources/Models/BayesianNetwork/TableFit.swift',
       '- Double(measured[index].values[$0])) / measured[index].variance',
       '- Double(measured[index].values[$0]))'),
    )),
  Mutant(
    '263', 'a chosen table may make the network exceed its limits',
    'ModelsTests.BayesianNetworkLearnerTests/noRoundExceedsTheLimitsOfTheNetwork',
    (
      ('Sources/Models/BayesianNetwork/NetworkLearner.swift',
       '          && isWithinLimits(adding: columns)\n', ''),
    )),
  Mutant(
    '264', 'a restored generator may have parents that come later',
    'ModelsTests.BayesianNetworkInferenceTests/nodesThatAreNoNetworkAreRefused',
    (
      ('Sources/Models/BayesianNetwork/CodeNetwork.swift',
       'guard node.parents.allSatisfy(seen.contains), node.parents ==', 'guard node.parents =='),
    )),
  Mutant(
    '265', 'mode random reads the columns',
    'ModelsTests.BayesianNetworkTests/modeRandomReadsNothingButTheNumberOfRows',
    (
      ('Sources/Models/BayesianNetwork/BayesianNetwork.swift',
       'guard settings.mode != .random else {', 'if settings.mode == .random, step.index > 0 {'),
    )),
  Mutant(
    '266', 'the step size of the fit is not saved',
    'ModelsTests.BayesianNetworkTests/itContinuesBetweenRoundsBitForBit',
    (
      ('Sources/Models/BayesianNetwork/Checkpoint+Network.swift',
       '    if let step = learner.stepSize { metadata["network.step_size"] = String(step) }\n', ''),
    )),
  Mutant(
    '267', 'the penalty of a table leaves out its number of cells',
    'ModelsTests.BayesianNetworkLearnerTests/thePenaltyIsTheDistanceThatNoiseAloneMakes',
    (
      ('Sources/Models/BayesianNetwork/NetworkLearner.swift',
       '* deviation * Double(marginal.cellCount))', '* deviation)'),
    )),
  Mutant(
    '270', 'codes are binned at quantiles of the private codes, not at public ones',
    'ModelsTests.VAENetworkTests/theBinsOfAnImageDependOnNoOtherImage',
    (
      ('Sources/Learning/Private/BinnedCodes.swift',
       '      codes.append(UInt8(bins.bin(of: Double(numbers.pointer[index]))))\n',
       '      let below = (0..<(range.count * codeSize)).count {\n'
       '        numbers.pointer[$0] < numbers.pointer[index]\n'
       '      }\n'
       '      codes.append(UInt8(below * bins.count / (range.count * codeSize)))\n'),
    )),
  Mutant(
    '271', 'rows of bins are kept although the encoder has learnt since',
    'ModelsTests.VAENetworkTests/keptRowsAreThoseOfTheCurrentWeights',
    (
      ('Sources/Models/VAE/VAE.swift',
       '    if step.phase == Self.codePhase { return try sumCodes(step, of: examples) }\n    binned = nil\n',
       '    if step.phase == Self.codePhase { return try sumCodes(step, of: examples) }\n'),
    )),
]

MUTANTS += CLAIM_MUTANTS + BORDER_MUTANTS + STRANGER_MUTANTS + CHOICE_MUTANTS + TABLE_MUTANTS
