// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target of ours.
/// - `ExistentialAny` (SE-0335): a boxed protocol is written `any`.
/// - `InternalImportsByDefault` (SE-0409): an import that leaks from a module is written `public import`.
/// - `MemberImportVisibility` (SE-0444): a file names the module of every member that it uses.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// C is optimised in debug builds too, or kernels are too slow to test.
let kernelFlags: [CSetting] = [
  .unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"])
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

/// Import borders: ARCHITECTURE.md explains them, `--explicit-target-dependency-import-check error` enforces them.
let package = Package(
  name: "figment",
  products: [
    .executable(name: "figmentd", targets: ["figmentd"]),
    .executable(name: "figment", targets: ["figment"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    // Rooms, from the ground up.
    .target(name: "CKernels", cSettings: kernelFlags),
    .target(
      name: "CImageCodecs", cSettings: kernelFlags,
      linkerSettings: [
        .linkedLibrary("png16"), .linkedLibrary("jpeg"), .linkedLibrary("tiff"),
        .linkedLibrary("webp"), .linkedLibrary("lcms2"), .linkedLibrary("z"),
      ]),
    .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "Compute", dependencies: ["CKernels"], swiftSettings: strict),
    .target(name: "Privacy", swiftSettings: strict),
    .target(name: "Learning", dependencies: ["Compute", "Privacy"], swiftSettings: strict),
    .target(
      name: "Datasets", dependencies: ["CImageCodecs", "CLibcrypto", "Compute"],
      swiftSettings: strict),
    .target(
      name: "Models", dependencies: ["Compute", "Privacy", "Learning", "Datasets"],
      swiftSettings: strict),
    .target(
      name: "Evaluation", dependencies: ["Compute", "Privacy", "Learning", "Datasets", "Models"],
      swiftSettings: strict),
    .target(name: "Control", swiftSettings: strict),
    .target(
      name: "Runs",
      dependencies: [
        "Compute", "Privacy", "Learning", "Datasets", "Models", "Evaluation", "Control",
      ], swiftSettings: strict),
    .target(
      name: "CommandLineOptions", dependencies: ["Control", argumentParser], swiftSettings: strict),
    .executableTarget(
      name: "figmentd",
      dependencies: [
        "Compute", "Privacy", "Learning", "Datasets", "Models", "Evaluation", "Control", "Runs",
        "CommandLineOptions", argumentParser, logging,
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "figment",
      dependencies: [
        "Control", "Privacy", "CommandLineOptions", argumentParser,
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      swiftSettings: strict),

    // Tests, one folder per room.
    .target(
      name: "TestSupport", dependencies: ["Compute", "Privacy", "Learning"],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "ComputeTests", dependencies: ["Compute", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "PrivacyTests", dependencies: ["Privacy", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "LearningTests", dependencies: ["Learning", "Compute", "Privacy", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Compute", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ModelsTests",
      dependencies: ["Models", "Learning", "Datasets", "Compute", "Privacy", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "Evaluation", "Learning", "Datasets", "Models", "Compute", "Privacy", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(name: "ControlTests", dependencies: ["Control"], swiftSettings: strict),
    .testTarget(
      name: "FigmentdTests",
      dependencies: [
        "figmentd", "figment", "CommandLineOptions", "Control", "Runs", "Models", "Datasets",
        "Privacy", "TestSupport",
        logging,
        "Evaluation",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        "Compute", "Learning", argumentParser,
        .product(name: "Yams", package: "Yams"),
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "FigmentTests", dependencies: ["figment", "Control", argumentParser],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
