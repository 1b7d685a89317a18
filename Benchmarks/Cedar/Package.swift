// swift-tools-version: 6.2
import PackageDescription

/// Decisions of the Cedar target, timed and counted; built by `script/bench cedar`.
///
/// The library's sources are the product's own, over links, so that this builds in seconds and without dependencies.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "cedar-bench",
    platforms: [.macOS(.v15)],
    targets: [
        .target(name: "CanonicalJSON", swiftSettings: settings),
        .target(name: "Cedar", dependencies: ["CanonicalJSON"], swiftSettings: settings),
        .target(name: "Allocations"),
        .executableTarget(
            name: "cedar-bench",
            dependencies: ["Allocations", "CanonicalJSON", "Cedar"],
            path: "Sources/CedarBench",
            swiftSettings: settings,
        ),
    ],
)
