// swift-tools-version: 6.2
import PackageDescription

/// The log's writer, its receipts and its memory, measured; built by `script/bench log`.
///
/// The sources are the product's own, over links. Nothing of the proxy, the dashboard or the configuration is in it.
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

let package = Package(
    name: "log-bench",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .target(name: "CanonicalJSON", swiftSettings: settings),
        .target(name: "TransparencyLog", dependencies: [crypto], swiftSettings: settings),
        .target(name: "Cedar", dependencies: ["CanonicalJSON"], swiftSettings: settings),
        .target(
            name: "CountersignCore",
            dependencies: ["CanonicalJSON", "Cedar", "TransparencyLog", crypto],
            swiftSettings: settings,
        ),
        .target(
            name: "CountersignStore",
            dependencies: [
                "CanonicalJSON", "CountersignCore", "TransparencyLog", crypto,
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings,
        ),
        .target(
            name: "CountersignLog",
            dependencies: [
                "CanonicalJSON", "CountersignCore", "TransparencyLog", crypto,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings,
        ),
        .executableTarget(
            name: "log-bench",
            dependencies: [
                "CanonicalJSON", "CountersignCore", "CountersignLog", "CountersignStore", "TransparencyLog", crypto,
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/LogBench",
            swiftSettings: settings,
        ),
    ],
)
