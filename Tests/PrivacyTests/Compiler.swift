import Foundation

/// The compiler that built these tests, with the modules of that build.
struct Compiler {
  private let path: String
  private let options: [String]

  struct Missing: Error, CustomStringConvertible { let description: String }

  /// Finds both; a missing one is an error, because a skipped proof proves nothing.
  init() throws {
    let tests = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let built = tests.deletingLastPathComponent()
    let modules = built.appendingPathComponent("Modules")
    for module in ["Privacy", "Learning", "Models", "Evaluation", "Runs", "figmentd"] {
      let path = modules.appendingPathComponent(module + ".swiftmodule").path
      guard FileManager.default.fileExists(atPath: path) else {
        throw Missing(description: "\(path): the built modules are expected beside the tests")
      }
    }
    options =
      ["-I", modules.path]
      + Self.moduleMaps(built).flatMap { ["-Xcc", "-fmodule-map-file=" + $0.path] }
    let environment = ProcessInfo.processInfo.environment
    let places = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/swiftc" }
    guard let found = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else { throw Missing(description: "swiftc is expected on the PATH") }
    path = found
  }

  /// The search paths of C modules: ours, those of system libraries and those of packages.
  ///
  /// Products are in SCRATCH/TRIPLE/CONFIGURATION, the sources of packages in SCRATCH/checkouts, and the maps of system
  /// libraries beside our sources.
  private static func moduleMaps(_ built: URL) -> [URL] {
    let names = { (folder: URL) in
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
        .map(folder.appendingPathComponent)
    }
    let packages = built.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("checkouts")
    let targets = names(packages).flatMap { names($0.appendingPathComponent("Sources")) }
    let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources").standardizedFileURL
    let folders =
      names(own) + names(built).filter { $0.pathExtension == "build" } + targets
      + targets.map { $0.appendingPathComponent("include") }
    return folders.map { $0.appendingPathComponent("module.modulemap") }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// Type-checks a program; returns the exit code and the output of the compiler.
  func check(_ program: String) throws -> (status: Int32, text: String) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("program.swift")
    try Data(program.utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    // Ownership is checked after types, so the compiler must continue to SIL.
    process.arguments =
      ["-emit-sil", "-o", "/dev/null", "-parse-as-library", "-swift-version", "6"] + options
      + [file.path]
    let said = Pipe()
    process.standardError = said
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = said.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }
}
