import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer
import TransparencyLog

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension LogCommand {
    /// The command `countersign log fsck`.
    struct Fsck: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Derives everything in the ledger anew, and names the first thing that is wrong.",
            discussion: """
                Leaf hashes, tree, tiles, checkpoints, the order and form of entries, what stands beside them, and the \
                tables replayed from the entries. Works beside the running server and on a copy; changes nothing. Exits \
                with 0 if all is sound, 4 if something is wrong, 1 if the ledger cannot be looked at.

                Give it what outsiders hold (--receipt, --checkpoint): entries cut off the end are then noticed even if \
                everything in the data folder was replaced.
                """,
        )

        @Argument(help: "A data folder or a ledger's file; else the configuration's data folder.")
        var ledger: String?

        @Option(help: "The log's verifier key, or a file that holds it; else keys/log.key of the data folder.")
        var key: String?

        @Option(help: "A receipt that somebody holds; can be repeated.")
        var receipt: [String] = []

        @Option(help: "A checkpoint that somebody holds; can be repeated.")
        var checkpoint: [String] = []

        @Flag(help: "Go on after the first finding, up to 100 of them.")
        var all = false

        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var format: FormatOptions

        mutating func run() throws {
            let key = try key.map { try VerifierKey.read($0) }
            var check =
                if let ledger {
                    try LogCheck(path: ledger, key: key)
                } else {
                    try LogCheck(try configuration.load(), key: key)
                }
            for file in receipt { try check.expect(receipt: Self.read(file), named: file) }
            for file in checkpoint { try check.expect(checkpoint: Self.read(file), named: "the checkpoint \(file)") }
            let clock = ContinuousClock()
            let start = clock.now
            let meter = ProgressMeter(start: start)
            let report = try check.run(limit: all ? 100 : 1) { meter.show($0) }
            meter.clear()
            let seconds = start.duration(to: clock.now) / .seconds(1)
            var json = report.json
            json["seconds"] = .number((seconds * 1000).rounded() / 1000)
            format.print(.object(json)) { Self.tell(report, seconds) }
            if !report.isGood { throw ExitCode(ExitStatus.notFound.rawValue) }
        }

        private static func read(_ file: String) throws -> [UInt8] {
            switch LocalFile.read(file) {
            case .success(let bytes): return bytes
            case .failure(let problem): throw Failure(.usage, "cannot read \(file): \(problem.message)")
            }
        }

        private static func tell(_ report: LogReport, _ seconds: Double) {
            for finding in report.findings {
                let mark = finding.isWarning ? "note" : "BAD "
                Output.line(
                    "\(mark)  \(Output.safe("\(finding.place): \(finding.message)")) [\(finding.code.rawValue)]"
                )
                if let expected = finding.expected { Output.line("      expected  \(Output.safe(expected))") }
                if let found = finding.found { Output.line("      found     \(Output.safe(found))") }
                Output.line("      \(finding.remedy)")
            }
            let verdict = report.isGood ? "The log is sound" : "The log is NOT sound"
            let tenths = Int((seconds * 10).rounded())
            Output.line("\(verdict). Looked at in \(tenths / 10).\(tenths % 10) s:")
            Output.line("  entries      \(report.entries)" + (report.root.map { ", root \($0)" } ?? ""))
            Output.line("  signed heads \(report.checkpoints)")
            Output.line("  payloads     \(report.payloads) present, \(report.erased) erased")
            Output.line("  approvals    \(report.approvals)")
            Output.line("  identities   \(report.identities)")
        }
    }
}

/// Shows on a terminal how far long work has come; elsewhere, nothing.
private final class ProgressMeter {
    private let clock = ContinuousClock()
    private let isTerminal = isatty(2) == 1
    private let start: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant?

    init(start: ContinuousClock.Instant) { self.start = start }

    /// Shows where it is, five times a second at most.
    func show(_ progress: LogProgress) {
        let now = clock.now
        if let shown, shown.duration(to: now) < .milliseconds(200), progress.stage == .entries { return }
        shown = now
        switch progress.stage {
        case .file: write("checking the file …")
        case .entries:
            let rate = Double(progress.done) / max(start.duration(to: now) / .seconds(1), 0.001)
            let percent = progress.total == 0 ? 100 : progress.done * 100 / progress.total
            write("\(percent) %, entry \(progress.done) of \(progress.total), \(Int(rate)) a second")
        case .tables: write("comparing the tables …")
        }
    }

    /// Takes the line away.
    func clear() { write("") }

    private func write(_ text: String) {
        guard isTerminal else { return }
        Output.progress(text)
    }
}
