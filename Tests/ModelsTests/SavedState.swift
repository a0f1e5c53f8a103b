import Models

extension GenerativeModel {
  /// Everything that a training needs to go on.
  var savedState: Checkpoint {
    var checkpoint = Checkpoint()
    save(into: &checkpoint)
    return checkpoint
  }

  /// Everything that a release has of the model.
  var savedGenerator: Checkpoint {
    var checkpoint = Checkpoint()
    saveGenerator(into: &checkpoint)
    return checkpoint
  }
}
