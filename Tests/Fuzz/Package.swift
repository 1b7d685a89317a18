// swift-tools-version: 6.2
import PackageDescription

/// The parsers of the TransparencyLog target under libFuzzer; built by `script/fuzz log`, never by the product.
///
/// The library's sources and the properties are the product's own, over links. Both are instrumented for coverage; the
/// Swift toolchain brings libFuzzer and its `main`. They are optimised in a debug build too, so that no second build of
/// the cryptography is needed.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-O", "-sanitize=fuzzer", "-parse-as-library"]),
]
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "log-fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.0")],
    targets: [
        .target(name: "TransparencyLog", dependencies: [crypto], swiftSettings: settings),
        .executableTarget(
            name: "log-fuzz",
            dependencies: ["TransparencyLog", crypto],
            path: "Sources/LogFuzz",
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])],
        ),
    ],
)
