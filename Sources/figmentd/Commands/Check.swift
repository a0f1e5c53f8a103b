import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Privacy
import Runs

/// Reads the configuration and says what is wrong with it; needs no daemon.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check the configuration without starting anything.",
    discussion: """
      Run by root, it looks at output and groups as the user who owns the state directory, which is the \
      service's. What systemd shuts off from the service, such as folders that no ReadWritePaths= opens, \
      shows only when the service starts: 'figment status' tells of it.
      """)

  @OptionGroup var configuration: ConfigurationOptions

  @Flag(help: "Print what was found as JSON.")
  var json = false

  func run() throws {
    let locations = Locations.ofThisProcess()
    var report: CheckReport
    do {
      let isService = try UserAccount.becomeOwner(of: locations.state)
      let settings = try configuration.read(locations)
      report = CheckReport(of: settings)
      report.warnings += settings.problemsOfMachine()
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

/// What a check of the configuration found.
struct CheckReport: Codable, Hashable {
  var valid: Bool
  var error: String?
  var datasets: [String] = []
  /// What is allowed and protects little, a sentence each.
  var warnings: [String] = []

  init(of configuration: Configuration) {
    valid = true
    datasets = configuration.datasets.map(\.name)
    warnings = configuration.datasets.flatMap { dataset in
      (dataset.missingFolders + dataset.policy.warnings(population: dataset.population))
        .map { "\(dataset.name): \($0)" }
    }
  }

  init(error: String) {
    valid = false
    self.error = error
  }

  /// The report for people.
  var text: String {
    if let error { return error }
    let names = datasets.isEmpty ? "none" : datasets.joined(separator: ", ")
    return (["configuration is valid; datasets: \(names)"] + warnings.map { "warning: \($0)" })
      .joined(separator: "\n")
  }
}

extension Configuration {
  /// Why a group cannot be used on this machine by this user; nil when all can.
  ///
  /// - Parameter certain: whether this process has the groups that a daemon will have. The unit may give it
  ///   more (`SupplementaryGroups=`), so that it is no error to be without one.
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

  /// What keeps a daemon of this user from writing releases, or others from reading them.
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
  /// The folders of real images that are not there now, a sentence each.
  ///
  /// A remark, not an error: a share may be mounted later.
  fileprivate var missingFolders: [String] {
    [("root", root)].appending(holdOut.map { ("hold_out", $0) }).compactMap { key, folder in
      var information = stat()
      guard stat(folder, &information) == 0 else {
        return
          "\(key) \(folder): \(String(cString: strerror(errno))). Is it mounted later, or misspelt?"
      }
      guard information.st_mode & S_IFMT == S_IFDIR else {
        return "\(key) \(folder): not a folder (a folder of images expected)."
      }
      return nil
    }
  }
}

extension Array {
  fileprivate func appending(_ element: Element?) -> [Element] {
    self + [element].compactMap { $0 }
  }
}

extension PrivacyPolicy {
  /// Above it a delta is too large for any dataset worth learning from.
  private static let usualLargestDelta = 1e-3

  /// What a policy allows that protects little.
  ///
  /// - Parameter population: how many units the administrator declares; nil for none.
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
          + "units or more is refused with it. Take less than a tenth of 1 / the number of units.")
    }
    return warnings
  }
}
