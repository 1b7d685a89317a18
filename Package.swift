// swift-tools-version: 6.2
import PackageDescription

/// The one settings array of every target: docs/architecture.md, "Settings".
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

func target(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioTLSEvents = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioTLS = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "countersign",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "countersign", targets: ["countersign"]),
        .library(name: "CountersignClient", targets: ["CountersignClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        // Exactly one trait: with two, SwiftPM 6.3 writes their defines in random order and rebuilds everything above.
        .package(
            url: "https://github.com/hummingbird-project/hummingbird",
            from: "2.28.0",
            traits: ["ConfigurationSupport"],
        ),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    ],
    targets: [
        target("CanonicalJSON", []),
        target("TransparencyLog", [crypto]),
        target("Cedar", ["CanonicalJSON"]),
        target("HTTPWire", [nioCore]),
        target("MCPWire", ["CanonicalJSON"]),
        target("CountersignCore", ["CanonicalJSON", "Cedar", "TransparencyLog", crypto]),
        target("CountersignStore", ["CountersignCore", "CanonicalJSON", "TransparencyLog", crypto, grdb, sqlite]),
        target(
            "CountersignLog",
            [
                "CountersignCore", "CanonicalJSON", "TransparencyLog", crypto, httpClient, lifecycle, logging, nioCore,
                nioHTTP, nioPosix, nioTLS,
            ],
        ),
        target("CountersignIdentity", ["CountersignCore", "CanonicalJSON", "Cedar", "TransparencyLog", crypto]),
        target("CountersignCards", ["CountersignCore", "CanonicalJSON", crypto]),
        target(
            "CountersignChannels",
            [
                "CountersignCards", "CountersignCore", "CanonicalJSON", crypto, cryptoExtras, httpClient, lifecycle,
                logging, nioCore, nioHTTP, nioPosix, nioTLS, nioWebSocket,
            ],
        ),
        target(
            "CountersignProxy",
            [
                "CountersignCore", "CanonicalJSON", "HTTPWire", "MCPWire", crypto, logging, lifecycle, nioCore,
                nioPosix,
                nioTLS, nioTLSEvents, subprocess, system,
            ],
        ),
        target(
            "CountersignWeb",
            [
                "CountersignCore", "CanonicalJSON", "TransparencyLog", crypto, httpTypes, hummingbird, logging,
                mustache,
                nioCore,
            ],
            resources: [.embedInCode("Resources")],
        ),
        target(
            "CountersignServer",
            [
                "CanonicalJSON", "Cedar", "CountersignCards", "CountersignChannels", "CountersignCore",
                "CountersignIdentity", "CountersignLog", "CountersignProxy",
                "CountersignStore", "CountersignWeb", "HTTPWire", "MCPWire", "TransparencyLog", crypto, httpTypes,
                hummingbird, hummingbirdCore, hummingbirdTLS, lifecycle, logging, nioCore, nioPosix, nioTLS, yams,
            ],
            resources: [.embedInCode("Packs")],
        ),
        .executableTarget(
            name: "countersign",
            dependencies: [
                "CanonicalJSON", "Cedar", "CountersignCore", "CountersignServer", "TransparencyLog", arguments,
            ],
            swiftSettings: settings,
        ),
        target("CountersignClient", ["CanonicalJSON", httpClient, nioCore, nioHTTP]),
        target("CountersignTestKit", ["CanonicalJSON", "Cedar", "CountersignCore", "TransparencyLog", logging]),
        tests("CountersignClientTests", ["CountersignClient"]),
        tests("CanonicalJSONTests", ["CanonicalJSON"]),
        tests("TransparencyLogTests", ["TransparencyLog", crypto]),
        tests("CedarTests", ["Cedar", "CanonicalJSON"]),
        tests("HTTPWireTests", ["HTTPWire", nioCore]),
        tests("MCPWireTests", ["MCPWire", "CanonicalJSON"]),
        tests(
            "CountersignCoreTests",
            ["CountersignCore", "CountersignTestKit", "CanonicalJSON", "Cedar", "TransparencyLog", crypto],
        ),
        tests(
            "CountersignStoreTests",
            [
                "CountersignStore", "CountersignIdentity", "CountersignCore", "CountersignTestKit", "CanonicalJSON",
                "TransparencyLog", crypto, grdb,
            ],
        ),
        tests(
            "CountersignCardsTests",
            ["CountersignCards", "CountersignCore", "CountersignTestKit", "CanonicalJSON", crypto],
        ),
        tests(
            "CountersignChannelsTests",
            [
                "CountersignChannels", "CountersignCards", "CountersignCore", "CountersignIdentity",
                "CountersignTestKit", "CanonicalJSON", crypto, cryptoExtras, logging, nioCore, nioPosix,
            ],
        ),
        tests(
            "CountersignProxyTests",
            [
                "CountersignProxy", "CountersignCore", "CountersignTestKit", "CanonicalJSON", "HTTPWire", "MCPWire",
                nioCore, nioEmbedded,
            ],
        ),
        tests(
            "CountersignServerTests",
            [
                "CountersignServer", "Cedar", "CountersignCore", "CountersignIdentity", "CountersignProxy",
                "CountersignStore", "CountersignTestKit", "CanonicalJSON", "TransparencyLog", crypto, logging,
            ],
        ),
        tests(
            "CountersignLogTests",
            [
                "CountersignLog", "CountersignCore", "CountersignTestKit", "CanonicalJSON", "TransparencyLog", crypto,
                lifecycle, logging, nioCore, nioPosix,
            ],
        ),
    ],
)
