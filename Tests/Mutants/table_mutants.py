"""Seeded bugs in tables: values outside their domain, rows of units, what a writer marks.

`edits` are (file, text, replacement), as in mutants.py.
"""
from mutant import Mutant

ATTRIBUTES = 'Sources/Datasets/Attributes/'

TABLE_MUTANTS = [
  Mutant(
    '250', 'a number outside its range is moved into the nearest bin',
    'DatasetsTests.ColumnDomainTests/aNumberHasTheCodeOfItsBinAndIsNeverMovedIntoTheRange',
    (
      (ATTRIBUTES + 'ColumnCodes.swift',
       '    guard number >= minimum, number <= maximum else { return nil }\n    let place = (number - minimum)',
       '    let number = max(minimum, min(maximum, number))\n    let place = (number - minimum)'),
    )),
  Mutant(
    '251', 'a value outside its domain leaves its row out, though it may be missing',
    'DatasetsTests.ImageAttributesTests/everyImageHasTheCodesOfItsRow',
    (
      (ATTRIBUTES + 'ColumnCodes.swift',
       'value(of: bytes) ?? missing }', 'bytes.isEmpty ? missing : value(of: bytes) }'),
    )),
  Mutant(
    '252', 'the first of several rows of a file counts',
    'DatasetsTests.ImageAttributesTests/noRowCountsOfAFileThatSeveralRowsName',
    (
      (ATTRIBUTES + 'ImageAttributes.swift',
       '      states[file] = .severalRows\n      clear(file)\n', ''),
    )),
  Mutant(
    '253', 'a person\'s rows are limited in the order of the table',
    'DatasetsTests.TableSnapshotTests/thePackDoesNotDependOnTheOrderOfRowsAndTables',
    (
      (ATTRIBUTES + 'TableRows.swift',
       'own.sorted { $0.hash < $1.hash }', 'own.sorted { $0.row < $1.row }'),
    )),
  Mutant(
    '254', 'a person has one row more than the limit',
    'DatasetsTests.TableSnapshotTests/personsAreUnitsAndKeepTheFirstRowsInTheOrderOfTheirContent',
    (
      (ATTRIBUTES + 'TableRows.swift', 'ordered.dropFirst(limit)', 'ordered.dropFirst(limit + 1)'),
    )),
  Mutant(
    '255', 'the first of two identical files with different rows counts',
    'DatasetsTests.ImageAttributesTests/identicalFilesWithDifferentRowsDoNotCountAtAll',
    (
      ('Sources/Datasets/Snapshot/SnapshotRecord.swift',
       'record.label == other.label && record.codes == other.codes', 'record.label == other.label'),
    )),
  Mutant(
    '256', 'an image without a required value is used with its first code',
    'DatasetsTests.ImageAttributesTests/anImageWithoutARequiredValueIsLeftOut',
    (
      (ATTRIBUTES + 'ImageAttributes.swift',
       'isValueRequired && states[file] != .usable', 'isValueRequired && states[file] == .lacking'),
    )),
  Mutant(
    '257', 'an unclosed quote takes the following rows with it',
    'DatasetsTests.TableReadingTests/anUnclosedQuoteTakesNoOtherLineWithIt',
    (
      (ATTRIBUTES + 'RecordReader.swift',
       '        if !isLast { try skipLine() }\n',
       '        if reason == .unclosedQuote { start = end }\n        if !isLast { try skipLine() }\n'),
    )),
  Mutant(
    '258', 'equal rows count once',
    'DatasetsTests.TableSnapshotTests/theRowsOfAllTablesOfTheRootAreOneSet',
    (
      (ATTRIBUTES + 'TableRows.swift',
       '    summary.used = order.count\n',
       '    var seen: Set<ContentHash> = []\n'
       '    order.removeAll { !seen.insert(store.hash(of: Int($0))).inserted }\n'
       '    summary.used = order.count\n'),
    )),
  Mutant(
    '259', 'a text that a spreadsheet would run is written as it is',
    'DatasetsTests.TableWriterTests/textsThatASpreadsheetWouldRunAreQuotedAndMarked',
    (
      (ATTRIBUTES + 'FormulaMark.swift', '"=+-@\\t\\r"', '"=+@\\t\\r"'),
    )),
  Mutant(
    '280', 'a column of a model file may have the name of a key of releases',
    'FigmentdTests.TableRunTests/noRecipeOfATableModelTraps',
    (
      (ATTRIBUTES + 'ColumnChecks.swift', 'if Self.ownKeys.contains(lower)', 'if lower.isEmpty'),
    )),
  Mutant(
    '281', 'a text with an apostrophe before a formula gets no mark',
    'DatasetsTests.CodedRowsTests/textsThatDifferByTheMarkStayDifferent',
    (
      (ATTRIBUTES + 'FormulaMark.swift',
       'text.first { $0 != mark }.map(starts.contains) ?? false',
       'Array(text).first.map(starts.contains) ?? false'),
    )),
  Mutant(
    '282', 'messages of a fit are not scaled, so that the exponential of a large energy is infinite',
    'ModelsTests.BayesianNetworkInferenceTests/energiesOfAnySizeGiveTheMarginalsOfAllRows',
    (
      ('Sources/Models/BayesianNetwork/JunctionTree.swift',
       'largest[Int(places[cell])] = max(largest[Int(places[cell])], values[cell])',
       'largest[Int(places[cell])] = 0'),
    )),
  Mutant(
    '283', 'a run goes on without a phase of which nothing was made',
    'FigmentdTests.TableRunTests/aRunThatLostItsTablesOfColumnsIsNotPublishedInAnyCase',
    (
      ('Sources/Runs/Execution/TrainingRun+Safeguards.swift',
       'guard trainer.step > 0 else {', 'guard trainer.step >= 0 else {'),
    )),
  Mutant(
    '284', 'hold-out images are looked for copies in the order of their folders',
    'EvaluationTests.AttackTests/copiesAreLookedForAmongImagesOfAllClasses',
    (
      ('Sources/Evaluation/Attacks/AttackStudy.swift',
       'holdOut: pixels(holdOut.sample(holdOut.count, seed: seed))', 'holdOut: pixels(holdOut)'),
    )),
  Mutant(
    '285', 'persons of different columns are one unit of privacy',
    'FigmentdTests.TableRunTests/theColumnThatNamesPersonsCannotChange',
    (
      ('Sources/Models/ProtectedUnit.swift', 'column: personColumn ?? "")', 'column: "person")'),
    )),
  Mutant(
    '286', 'rows between two stray quotes are the text of one row',
    'DatasetsTests.TableReadingTests/aQuotedValueOverLinesThatCouldBeRowsIsRefused',
    (
      ('Sources/Datasets/Attributes/TableStream.swift',
       'return isQuoted ? line.first != 0x22 : fields == fieldCount', 'return false'),
    )),
  Mutant(
    '287', 'the first line of a record with breaks is no row',
    'DatasetsTests.TableReadingTests/aQuotedValueOverLinesThatCouldBeRowsIsRefused',
    (
      ('Sources/Datasets/Attributes/TableStream.swift',
       'return isQuoted ? line.first != 0x22 : fields == fieldCount',
       'return !isQuoted && fields == fieldCount'),
    )),
  Mutant(
    '288', 'any attack is within the guarantee',
    'EvaluationTests.GuaranteeLimitTests/anAttackRefutesAGuaranteeOnlyBeyondItsBound',
    (
      ('Sources/Evaluation/Report/GuaranteeLimit.swift',
       'ranking.cautiousLowerBound <= largestArea', 'true'),
    )),
  Mutant(
    '289', 'the further lines of a record that is too long are rows',
    'DatasetsTests.TableReadingTests/aLongRecordOverSeveralLinesIsRefused',
    (
      (ATTRIBUTES + 'RecordReader.swift',
       'if breaks > 0 { throw longRecord(at: line) }\n      return .longLine',
       'if breaks > 0 { return .fault(.unclosedQuote, scanned: 0) }\n      return .longLine'),
    )),
  Mutant(
    '290', 'a value that begins in a line which is too long ends with it',
    'DatasetsTests.TableReadingTests/aLongRecordOverSeveralLinesIsRefused',
    (
      (ATTRIBUTES + 'RecordReader.swift',
       'if place == .quoted { throw', 'if place == .fieldStart { throw'),
    )),
  Mutant(
    '291', 'a stray quote in the header takes rows into the name of a column',
    'DatasetsTests.TableReadingTests/aHeaderOverSeveralLinesIsRefused',
    (
      (ATTRIBUTES + 'TableStream.swift', 'guard !bytes.contains(0x0A) else {',
       'guard !bytes.isEmpty else {'),
    )),
  Mutant(
    '292', 'a quote after a backslash ends a value, and the lines after it are rows',
    'DatasetsTests.TableReadingTests/aQuoteAfterABackslashIsRefused',
    (
      (ATTRIBUTES + 'TableStream.swift', 'if quotes.backslash != nil {', 'if quotes.backslash == 0 {'),
    )),
  Mutant(
    '293', 'the lines of a record that is given up are rows',
    'DatasetsTests.TableReadingTests/aRecordWhoseLinesWouldBecomeRowsIsRefused',
    (
      (ATTRIBUTES + 'TableStream.swift',
       'if format == .csv { try refuseHiddenRows(in: lines,',
       'if format == .jsonLines { try refuseHiddenRows(in: lines,'),
    )),
  Mutant(
    '294', 'a broken quote says nothing of the other quotes of a table',
    'DatasetsTests.TableReadingTests/aMisplacedQuoteBesideValuesOverSeveralLinesIsRefused',
    (
      (ATTRIBUTES + 'TableStream.swift', 'guard quotes.severalLines != nil else { return }',
       'guard quotes.severalLines == 0 else { return }'),
    )),
  Mutant(
    '295', 'values that are missing together depend on each other',
    'EvaluationTests.TablesTests/valuesThatAreMissingTogetherMakeNoDependence',
    (
      ('Sources/Evaluation/Tables/TableAssociations.swift',
       'counts, width: width, rowCount: first.valueCount, columnCount: second.valueCount)\n    case .pearson',
       'counts, width: width, rowCount: first.codeCount, columnCount: second.codeCount)\n    case .pearson'),
    )),
]
