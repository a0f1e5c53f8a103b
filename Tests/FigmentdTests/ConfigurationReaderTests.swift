import Control
import Datasets
import FoundationEssentials
import Glibc
import Testing

@testable import Runs
@testable import figmentd

@Suite struct ConfigurationReaderTests {
  static let defaults = Configuration(output: "/var/out", recipes: "/usr/share/figment/Models")

  static let full = """
    output: /srv/synthetic
    recipes: /opt/recipes/
    threads: 4
    socket:
      path: /run/x.sock
      mode: "0600"
      group: daemon
      read_group: users
    datasets:
      glyphs:
        root: /srv/images//glyphs/
        mode: poll
        settle: 0.5
        rescan: 60
        classes: [circle, square]
        population: 50000
        hold_out: /srv/held/glyphs
        white_level: 4095
        colour: as-stored
        policy:
          epsilon_max: 10
          delta: 1e-5
          unit: folder
          max_per_unit: 20
          non_private: true
      faces:
        root: /srv/images/faces
        policy: {epsilon_max: 2.5, delta: 0.000001}
    """

  private func read(_ text: String) throws -> Configuration {
    var reader = ConfigurationReader(defaults: Self.defaults)
    try reader.add(text, from: "config.yaml")
    return try reader.finish()
  }

  @Test(arguments: ["hold_out", "public_images"])
  func aFolderOfOtherImagesLiesApartFromTheRoot(_ key: String) throws {
    let text = """
      datasets:
        glyphs:
          root: /srv/images
          \(key): /srv/images/held
          policy: {epsilon_max: 1, delta: 1e-5}
      """
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    let words = "\(try #require(error))"
    #expect(words.contains("one contains the other") && words.contains("\(key) /srv/images/held"))
  }

  /// Private images of another dataset would be learnt from without noise, and nothing would be charged.
  @Test(arguments: [
    ("/srv/others/public", "root of dataset 'others'"),
    ("/srv/held", "hold_out of dataset 'others'"),
    ("/srv/own-held", "hold_out of dataset 'glyphs'"), ("/srv/output/made", "output"),
    (Locations.ofThisProcess().state + "/jobs/3/samples", "state of the daemon"),
  ])
  func aPublicFolderLiesApartFromTheImagesOfEveryDataset(_ folder: String, _ place: String) throws {
    let text = """
      output: /srv/output
      datasets:
        glyphs:
          root: /srv/images
          hold_out: /srv/own-held
          public_images: \(folder)
          policy: {epsilon_max: 1, delta: 1e-5}
        others: {root: /srv/others, hold_out: /srv/held, policy: {epsilon_max: 1, delta: 1e-5}}
      """
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect("\(try #require(error))".contains("public_images \(folder) and the \(place), /"))
  }

  @Test func releasesFollowWhatHoldsForAllUnlessADatasetSaysOtherwise() throws {
    var reader = ConfigurationReader(defaults: Self.defaults)
    try reader.add(
      """
      datasets:
        a: {root: /a, policy: {epsilon_max: 1, delta: 1e-5}}
        b:
          root: /b
          policy: {epsilon_max: 1, delta: 1e-5}
          release: {group: radiology}
        c:
          root: /c
          policy: {epsilon_max: 1, delta: 1e-5}
          release: {mode: "0700"}
      """, from: "config.yaml")
    // A later file sets the defaults for all, and the datasets of the first file inherit them.
    try reader.add("release: {group: readers, mode: \"0755\"}", from: "conf.d/release.yaml")
    let configuration = try reader.finish()
    #expect(configuration.release == ReleaseConfiguration(group: "readers", mode: 0o755))
    #expect(
      configuration.datasets.map(\.release) == [
        ReleaseConfiguration(group: "readers", mode: 0o755),
        ReleaseConfiguration(group: "radiology", mode: 0o755),
        ReleaseConfiguration(group: "readers", mode: 0o700),
      ])
  }

  @Test func withoutAWordTheServicesGroupReadsReleases() throws {
    let configuration = try read("datasets: {a: {root: /a, policy: {epsilon_max: 1, delta: 1e-5}}}")
    #expect(configuration.datasets[0].release == ReleaseConfiguration(group: nil, mode: 0o750))
  }

  @Test(arguments: ["0640", "0777", "0752", "0740", "750x", "01750", "9", "-1", "0350"])
  func aModeThatLocksTheOwnerOutOrLetsEverybodyWriteIsRefused(_ mode: String) throws {
    for text in [
      "release: {mode: \"\(mode)\"}",
      "datasets: {a: {root: /a, policy: {epsilon_max: 1, delta: 1e-5}, release: {mode: \"\(mode)\"}}}",
    ] {
      let error = #expect(throws: ConfigurationError.self) { try read(text) }
      #expect(error?.message.contains("'\(mode)' (permissions of a folder") == true)
    }
  }

  @Test func everyKeyIsRead() throws {
    let configuration = try read(Self.full)
    #expect(configuration.output == "/srv/synthetic")
    #expect(configuration.recipes == "/opt/recipes")
    #expect(configuration.threads == 4)
    #expect(
      configuration.socket
        == SocketConfiguration(
          path: "/run/x.sock", mode: 0o600, group: "daemon", readGroup: "users"))
    let faces = DatasetConfiguration(
      name: "faces", root: "/srv/images/faces",
      policy: PrivacyPolicy(epsilonMaximum: 2.5, delta: 1e-6))
    let glyphs = DatasetConfiguration(
      name: "glyphs", root: "/srv/images/glyphs", mode: .poll, settle: .milliseconds(500),
      rescan: .seconds(60), classes: ["circle", "square"], population: 50_000,
      whiteLevel: 4_095, colour: .asStored, holdOut: "/srv/held/glyphs",
      policy: PrivacyPolicy(
        epsilonMaximum: 10, delta: 1e-5, unit: .folder, maximumPerUnit: 20,
        allowsNonPrivate: true))
    #expect(configuration.datasets == [faces, glyphs])
  }

  @Test(arguments: [
    ("white_level: 0", "from 1 to 65535"), ("white_level: 65536", "from 1 to 65535"),
    ("white_level: 12 bits", "from 1 to 65535"), ("colour: sRGB", "convert, as-stored"),
    ("color: convert", "colour"),
  ])
  func whatIsDeclaredOfPixelsIsChecked(line: String, expected: String) throws {
    let text = """
      datasets:
        glyphs:
          root: /srv/images
          \(line)
          policy: {epsilon_max: 1, delta: 1e-5}
      """
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect("\(try #require(error))".contains(expected))
  }

  @Test func whatIsDeclaredOfPixelsReachesTheRulesOfARun() throws {
    let glyphs = try #require(try read(Self.full).datasets.first { $0.name == "glyphs" })
    #expect(glyphs.rules.whiteLevel == 4_095)
    #expect(glyphs.rules.colour == .asStored)
    let faces = try #require(try read(Self.full).datasets.first { $0.name == "faces" })
    #expect(faces.rules.whiteLevel == nil)
    #expect(faces.rules.colour == .convert)
  }

  @Test func aDeltaThatIsNotBelowOneInTheDeclaredPopulationIsRefused() throws {
    func dataset(_ policy: String) -> String {
      """
      datasets:
        faces:
          root: /srv/images/faces
          population: 2009
          policy: {\(policy)}
      """
    }
    let error = #expect(throws: ConfigurationError.self) {
      try read(dataset("epsilon_max: 10, delta: 0.01"))
    }
    #expect("\(try #require(error))".contains("Delta 0.01 is not below 1/2009"))
    // The delta is wrong, so the error names its line.
    #expect(error?.line == 5 && error?.message.hasPrefix("datasets.faces.policy.delta:") ?? false)
    let allowed = try read(dataset("epsilon_max: 10, delta: 0.01, allow_large_delta: true"))
    #expect(allowed.datasets.first?.policy.allowsLargeDelta == true)
    #expect(
      CheckReport(of: allowed).warnings.contains { $0.contains("Delta 0.01 is not below 1/2009") })
    let text = "datasets: {a: {root: /a, policy: {epsilon_max: 1, delta: 1e-13}}}"
    #expect(throws: ConfigurationError.self) { try read(text) }
  }

  @Test(arguments: [
    ("epsilon_max: 10, delta: 1e-5", nil),
    ("epsilon_max: 10.5, delta: 1e-5", "epsilon_max 10.5 allows weak protection"),
    ("epsilon_max: 50, delta: 1e-5", "epsilon_max 50 allows no meaningful protection"),
    ("epsilon_max: 1, delta: 0.1", "delta 0.1 is above 0.001: a dataset of 10 units or more"),
  ]) func aCheckWarnsOfWhatProtectsLittle(_ policy: String, _ warning: String?) throws {
    let report = CheckReport(
      of: try read("datasets: {a: {root: /usr, policy: {\(policy)}}}"))
    #expect(report.valid)
    #expect(report.warnings.count == (warning == nil ? 0 : 1))
    #expect(report.text.contains("warning: a: \(warning ?? "")") == (warning != nil))
  }

  @Test func aCheckRemarksOnARootThatIsNotThere() throws {
    let policy = "policy: {epsilon_max: 1, delta: 1e-5}"
    let missing = CheckReport(of: try read("datasets: {a: {root: /nowhere/at/all, \(policy)}}"))
    #expect(missing.valid, "a share may be mounted later")
    #expect(missing.text.contains("warning: a: root /nowhere/at/all: No such file or directory."))
    let file = CheckReport(of: try read("datasets: {a: {root: /etc/passwd, \(policy)}}"))
    #expect(file.text.contains("root /etc/passwd: not a folder"))
  }

  @Test func aCheckRemarksOnATableWithoutADeclaredColumn() throws {
    let scratch = ScratchFolder()
    let root = scratch.path + "/tables"
    func text(_ name: String, _ header: String, more: String = "") throws -> String {
      let path = try scratch.write("tables/" + name, header + "\n")
      defer { unlink(path) }
      return CheckReport(
        of: try read(
          """
          datasets:
            a: {root: \(root), policy: {epsilon_max: 1, delta: 1e-5\(more.isEmpty ? "" : ", unit: folder, max_per_unit: 9")},
                columns: {sex: {categories: [f, m]}}\(more)}
          """)
      ).text
    }
    #expect(try text("t.csv", "id,sex").hasPrefix("configuration is valid; datasets: a"))
    #expect(try !text("t.csv", "id,sex").contains("warning"))
    #expect(try text("t.csv", "id,Sex").contains("no column 'sex'"))
    #expect(try text("t.csv", "id;sex").contains("separated by semicolons"))
    #expect(try text("t.csv", "id,sex", more: ", person_column: who").contains("no column 'who'"))
    #expect(try !text("t.csv", "who,sex", more: ", person_column: who").contains("warning"))
    #expect(try text("metadata.csv", "name,sex").contains("no column 'file_name'"))
    #expect(try !text("metadata.csv", "file_name,sex").contains("warning"))
    #expect(try text("t.txt", "id,sex").contains("the root has no table"))
  }

  @Test func aFileThatCannotBeReadIsNamedOnce() {
    let path = "/nowhere/at/all/config.yaml"
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationReader.read(path, defaults: Self.defaults)
    }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("\(path): cannot read it: No such file or directory."))
    #expect(text.components(separatedBy: path).count == 2)
  }

  @Test func anEmptyFileLeavesTheDefaults() throws {
    #expect(try read("") == Self.defaults)
    #expect(try read("# nothing yet\ndatasets:\n") == Self.defaults)
  }

  @Test(arguments: [
    ("datsets: {}", "config.yaml:1: key 'datsets': unknown. Did you mean 'datasets'?"),
    (
      "datasets:\n  a:\n    root: /a\n    policy:\n      epsilom_max: 1\n      delta: 1e-5",
      "config.yaml:5: key 'datasets.a.policy.epsilom_max': unknown. Did you mean 'epsilon_max'?"
    ),
    (
      "datasets:\n  a:\n    root: /a\n    shade: red\n    policy: {epsilon_max: 1, delta: 1e-5}",
      "config.yaml:4: key 'datasets.a.shade': unknown."
    ),
    ("datasets:\n  a:\n    policy: {epsilon_max: 1, delta: 1e-5}", "'root' is missing"),
    ("datasets:\n  a:\n    root: /a", "'policy' is missing"),
    ("datasets:\n  a:\n    root: a\n    policy: {epsilon_max: 1, delta: 1e-5}", "absolute path"),
    ("datasets:\n  a:\n    root: /a/../b\n    policy: {}", "absolute path"),
    ("datasets:\n  A B:\n    root: /a", "is not a valid name"),
    ("threads: many", "config.yaml:1: threads: 'many' (a whole number from 1 to 1024 expected)."),
    ("threads: 0", "from 1 to 1024"),
    ("threads: [1]", "one value expected"),
    ("socket: {mode: \"0770\"}", "permissions"),
    ("socket: {mode: rw}", "permissions"),
    (
      "datasets:\n  a:\n    root: /a\n    policy: {epsilon_max: 1, delta: 1e-5}\n    population: 0",
      "config.yaml:5: datasets.a.population: '0' (a whole number from 1"
    ),
    ("datasets: [a]", "not a mapping"),
    ("output: /a\noutput: /b", "occurs twice"),
    ("output: [", "not YAML"),
    ("a: b: c", "config.yaml:1: not YAML"),
  ]) func whatIsWrongIsNamedWithItsLine(_ text: String, _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(expected))
  }

  @Test(arguments: [
    ("epsilon_max: 0, delta: 1e-5", "above 0"), ("epsilon_max: nan, delta: 1e-5", "above 0"),
    ("epsilon_max: inf, delta: 1e-5", "above 0"), ("epsilon_max: 1, delta: 1", "less than 1"),
    ("epsilon_max: 1, delta: 1e-5, unit: person", "file, folder expected"),
    ("epsilon_max: 1, delta: 1e-5, unit: foldr", "Did you mean 'folder'?"),
    ("epsilon_max: 1, delta: 1e-5, unit: folder", "'max_per_unit' is missing"),
    ("epsilon_max: 1, delta: 1e-5, max_per_unit: 3", "unit: folder expected"),
    ("epsilon_max: 1, delta: 1e-5, non_private: yes", "true or false"),
  ]) func impossiblePoliciesAreRefused(_ policy: String, _ expected: String) {
    let text = "datasets:\n  a:\n    root: /a\n    policy: {\(policy)}"
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(expected))
  }

  @Test func theSameImagesCannotHaveTwoBudgets() throws {
    let scratch = ScratchFolder()
    try scratch.write("real/a/x", "")
    try scratch.write("other/x", "")
    #expect(symlinkedRoots(scratch, "real/a", "real")?.contains("two budgets") ?? false)
    #expect(symlinkedRoots(scratch, "real", "real")?.contains("two budgets") ?? false)
    #expect(symlinkedRoots(scratch, "real", "other") == nil)
    // A link is another name for the same images.
    _ = try? makeLink(at: scratch.path + "/link", to: scratch.path + "/real/a")
    #expect(symlinkedRoots(scratch, "real", "link")?.contains("two budgets") ?? false)
  }

  private func symlinkedRoots(
    _ scratch: ScratchFolder, _ first: String, _ second: String
  ) -> String? {
    let policy = "policy: {epsilon_max: 1, delta: 1e-5}"
    let text = """
      datasets:
        a: {root: \(scratch.path)/\(first), \(policy)}
        b: {root: \(scratch.path)/\(second), \(policy)}
      """
    do {
      _ = try read(text)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func releasesMayNotLandInAWatchedRoot() {
    let text = """
      output: /srv/images/out
      datasets:
        a: {root: /srv/images, policy: {epsilon_max: 1, delta: 1e-5}}
      """
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.message.contains("train on synthetic images as if they were real") ?? false)
    #expect(error?.line == 3)
  }

  @Test func confDAddsDatasetsAndReplacesValues() throws {
    let scratch = ScratchFolder()
    let policy = "policy: {epsilon_max: 1, delta: 1e-5}"
    let file = try scratch.write(
      "config.yaml", "threads: 2\ndatasets:\n  a: {root: /a, \(policy)}\n")
    try scratch.write("conf.d/20-b.yaml", "threads: 8\ndatasets:\n  b: {root: /b, \(policy)}\n")
    try scratch.write("conf.d/10-c.yaml", "threads: 5\n")
    try scratch.write("conf.d/README", "not read: {")
    let configuration = try ConfigurationReader.read(file, defaults: Self.defaults)
    #expect(configuration.datasets.map(\.name) == ["a", "b"])
    #expect(configuration.threads == 8)
    try scratch.write("conf.d/30-again.yaml", "datasets:\n  a: {root: /c, \(policy)}\n")
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationReader.read(file, defaults: Self.defaults)
    }
    #expect(error?.message.contains("declared twice") ?? false)
    #expect(error?.file.hasSuffix("conf.d/30-again.yaml") ?? false)
  }

  @Test func aMissingFileSaysSo() {
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationReader.read("/nowhere/config.yaml", defaults: Self.defaults)
    }
    #expect(error?.description.contains("No such file") ?? false)
  }
}

@Suite struct LocationsTests {
  @Test func systemdsFoldersComeFirst() {
    let locations = Locations(
      environment: [
        "CONFIGURATION_DIRECTORY": "/etc/figment-a", "STATE_DIRECTORY": "/var/lib/a:/var/lib/b",
        "RUNTIME_DIRECTORY": "/run/a", "HOME": "/root",
      ], user: 990, executable: "/usr/bin/figmentd")
    #expect(locations.configuration == "/etc/figment-a/config.yaml")
    #expect(locations.state == "/var/lib/a")
    #expect(locations.socket == "/run/a/control.sock")
    #expect(locations.recipes == "/usr/share/figment/Models")
  }

  @Test func rootGetsTheSystemsFolders() {
    let locations = Locations(environment: [:], user: 0, executable: "/usr/local/bin/figmentd")
    #expect(locations.configuration == "/etc/figment/config.yaml")
    #expect(locations.state == "/var/lib/figment")
    #expect(locations.socket == "/run/figment/control.sock")
    #expect(locations.recipes == "/usr/local/share/figment/Models")
  }

  @Test func aUserGetsThoseOfXDG() {
    let plain = Locations(
      environment: ["HOME": "/home/ada"], user: 1000, executable: "/home/ada/bin/figmentd")
    #expect(plain.configuration == "/home/ada/.config/figment/config.yaml")
    #expect(plain.state == "/home/ada/.local/state/figment")
    #expect(plain.socket == "/tmp/figment-1000/figment/control.sock")
    let set = Locations(
      environment: [
        "HOME": "/home/ada", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s",
        "XDG_RUNTIME_DIR": "/run/user/1000",
      ], user: 1000, executable: "/home/ada/bin/figmentd")
    #expect(set.configuration == "/c/figment/config.yaml")
    #expect(set.state == "/s/figment")
    #expect(set.socket == "/run/user/1000/figment/control.sock")
  }
}
