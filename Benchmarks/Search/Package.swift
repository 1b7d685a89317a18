// swift-tools-version: 6.2
import PackageDescription

/// Searches of a large log, timed; built by `script/bench search`.
///
/// The ledger's sources are the product's own, over links, so that this builds without the rest.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")

func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "search-bench",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        target("CanonicalJSON", []),
        target("TransparencyLog", [crypto]),
        target("Cedar", ["CanonicalJSON"]),
        target("CountersignCore", ["CanonicalJSON", "Cedar", "TransparencyLog", crypto]),
        target("CountersignStore", ["CountersignCore", "CanonicalJSON", "TransparencyLog", crypto, grdb, sqlite]),
        target("CountersignTestKit", ["CanonicalJSON", "Cedar", "CountersignCore", "TransparencyLog", logging]),
        .executableTarget(
            name: "search-bench",
            dependencies: ["CanonicalJSON", "CountersignCore", "CountersignStore", "CountersignTestKit"],
            path: "Sources/SearchBench",
            swiftSettings: settings,
        ),
    ],
)
