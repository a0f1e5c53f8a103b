import ArgumentParser
import Control
import Datasets
import FoundationEssentials
import Glibc
import Privacy
import Runs

/// Checks the configuration without a daemon.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check the configuration without starting anything.",
    discussion: """
      If root runs it, it checks the output folder and the groups as the owner of the state directory, \
      that is, the service's user. It cannot detect restrictions by systemd, such as a folder missing \
      from ReadWritePaths=; 'figment status' reports those once the service runs.
      """)

  @OptionGroup var configuration: ConfigurationOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let locations = Locations.ofThisProcess()
    var report: CheckReport
    do {
      let isService = try UserAccount.becomeOwner(of: locations.state)
      let settings = try configuration.read(locations)
      report = CheckReport(of: settings)
      report.warnings += settings.problemsOfMachine()
      report.warnings += RecipeLibrary(folder: settings.recipes).problems()
      if let error = settings.groupProblem(certain: !isService) {
        report = CheckReport(error: error)
      }
    } catch let error as ConfigurationError {
      report = CheckReport(error: error.description)
    }
    if json {
      StandardOutput.writeLine(
        String(decoding: try ControlCoding.encodeForPeople(report), as: UTF8.self))
    } else {
      StandardOutput.writeLine(report.text)
    }
    if !report.valid { throw ArgumentParser.ExitCode.failure }
  }
}

/// The result of a configuration check.
struct CheckReport: Codable, Hashable {
  var valid: Bool
  var error: String?
  var datasets: [String] = []
  /// Permitted settings that protect little, a sentence each.
  var warnings: [String] = []

  init(of configuration: Configuration) {
    valid = true
    datasets = configuration.datasets.map(\.name)
    warnings = configuration.datasets.flatMap { dataset in
      (dataset.missingFolders + [dataset.problemOfHeaders].compactMap { $0 }
        + dataset.policy.warnings(population: dataset.population))
        .map { "\(dataset.name): \($0)" }
    }
  }

  init(error: String) {
    valid = false
    self.error = error
  }

  /// The report as text.
  var text: String {
    if let error { return error }
    let names = datasets.isEmpty ? "none" : datasets.joined(separator: ", ")
    return (["configuration is valid; datasets: \(names)"] + warnings.map { "warning: \($0)" })
      .joined(separator: "\n")
  }
}

extension Configuration {
  /// Why this user cannot use a configured group on this machine; nil if all groups can be used.
  ///
  /// - Parameter certain: whether this process has the same groups as the daemon. If not, a missing group
  ///   is no error, because the unit may add it (`SupplementaryGroups=`).
  func groupProblem(certain: Bool) -> String? {
    do {
      try requireGroups()
      return nil
    } catch ControlError.forbidden(let message) {
      return certain ? message : nil
    } catch {
      return error.message
    }
  }

  /// Why a daemon of this user could not write releases, or why others could not read them.
  func problemsOfMachine() -> [String] {
    if let problem = groupProblem(certain: true) { return [problem] }
    let problems = ([release] + datasets.map(\.release)).compactMap { release in
      (try? ReleaseRights(release)).map { OutputFolder(path: output, rights: $0).problems }
    }
    return problems.joined().reduce(into: []) { known, problem in
      if !known.contains(problem) { known.append(problem) }
    }
  }
}

extension DatasetConfiguration {
  /// Why no run could read the tables of the root; nil if nothing is known against it.
  ///
  /// A table may be added later, so this is a warning, not an error.
  var problemOfHeaders: String? {
    guard let problem = try? rules.problemOfHeaders(in: root) else { return nil }
    let place = problem.place.map { " (\($0))" } ?? ""
    return "the tables in \(root) cannot be used: \(problem.finding)\(place)."
  }

  /// The folders of images, and the release, that do not exist now, a sentence each.
  ///
  /// This is a warning, not an error: a share may be mounted later.
  fileprivate var missingFolders: [String] {
    let folders = [
      ("root", root, "a folder of images"), ("hold_out", holdOut, "a folder of images"),
      ("public_images", publicImages, "a folder of images"), ("start_from", startFrom, "a release"),
    ]
    return folders.compactMap { key, folder, expected in
      guard let folder else { return nil }
      var information = stat()
      guard stat(folder, &information) == 0 else {
        return
          "\(key) \(folder): \(String(cString: strerror(errno))). Check the spelling, or mount it."
      }
      guard information.st_mode & S_IFMT == S_IFDIR else {
        return "\(key) \(folder): not a folder (\(expected) expected)."
      }
      return nil
    }
  }
}

extension PrivacyPolicy {
  /// A larger delta is too large for any dataset that is large enough to train on.
  private static let usualLargestDelta = 1e-3

  /// Warnings about a policy that protects little.
  ///
  /// - Parameter population: the declared number of units; nil if not declared.
  func warnings(population: Int?) -> [String] {
    var warnings: [String] = []
    let strength = GuaranteeStrength(epsilon: epsilonMaximum)
    if strength.needsWarning {
      warnings.append("epsilon_max \(Rounded.number(epsilonMaximum)) allows \(strength.words).")
    }
    if let population {
      if let remark = DeltaSize(delta, units: population).remark { warnings.append(remark) }
    } else if delta > Self.usualLargestDelta {
      warnings.append(
        "delta \(Rounded.number(delta)) is above \(Rounded.number(Self.usualLargestDelta)): a dataset of "
          + "\(Rounded.count(Int((1 / delta).rounded(.up)))) "
          + "units or more will be refused. Set it below a tenth of 1 / the number of units.")
    }
    return warnings
  }
}
