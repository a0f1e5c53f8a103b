public import Datasets
public import Privacy

extension DatasetRules {
  /// The unit of privacy in the terms of ledgers and statements: with the most images of one person,
  /// which the guarantee depends on.
  ///
  /// The one translation between the two types. `Datasets` cannot use the type of `Privacy`: an import
  /// would show it budgets and the ledger, and images must not depend on what was spent.
  public var protectedUnit: Privacy.PrivacyUnit {
    switch privacyUnit {
    case .file: .file
    case .folder: .subfolder(maximumImages: maximumPerUnit ?? Privacy.PrivacyUnit.noLimit)
    }
  }

  /// The unit of privacy of tables without images, in the same terms.
  public var protectedUnitOfRows: Privacy.PrivacyUnit {
    switch privacyUnit {
    case .file: .row
    // Persons without a column that names them are refused before anything is read.
    case .folder:
      .person(
        maximumRows: maximumPerUnit ?? Privacy.PrivacyUnit.noLimit, column: personColumn ?? "")
    }
  }
}
