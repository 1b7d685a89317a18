import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension LogCommand {
    /// The command `countersign log export`.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints what is in the log, one JSON object a line, oldest first.",
            discussion: """
                Reads the data folder's ledger beside the running server, and changes nothing.

                --format actions    every judged action with its document; `countersign policy diff --against` takes the
                                    lines elsewhere. They hold what agents sent: keep them as you keep the ledger.
                --format ndjson     every entry; a line without its end is the leaf of the Merkle tree.
                --format ocsf       every entry as an event of the Open Cybersecurity Schema Framework.

                `exports` in the configuration sends the latter two somewhere while the server runs.
                """,
        )

        @Option(help: "actions, ndjson or ocsf.")
        var format = Form.actions

        @Option(help: "Only these kinds, comma-separated: approval.decided, for instance. Not with --format actions.")
        var kind: String?

        @Option(help: "Write this file instead of standard output; it must not be there yet.")
        var output: String?

        @OptionGroup var filter: RecordFilterOptions
        @OptionGroup var configuration: ConfigurationOptions

        /// What a line is.
        enum Form: String, ExpressibleByArgument, CaseIterable {
            case actions
            case ndjson
            case ocsf
        }

        mutating func validate() throws {
            if format == .actions, kind != nil { throw ValidationError("--kind is for --format ndjson or ocsf") }
            _ = try kinds()
            _ = try filter.filter()
        }

        mutating func run() async throws {
            let loaded = try configuration.load()
            let wanted = try filter.filter()
            var lines = try ExportLines(path: output)
            do {
                switch format {
                case .actions:
                    try ActionRecords(path: loaded.data, configuration: loaded).export(wanted) {
                        try lines.write(Array($0.canonicalText.utf8))
                    }
                case .ndjson, .ocsf:
                    let kinds = try kinds()
                    let all = EntryExport.Filter(kinds: kinds, agent: wanted.agent, from: wanted.from, to: wanted.to)
                    let export = try EntryExport(loaded)
                    try export.each(all, as: format == .ocsf ? .ocsf : .ndjson) { try lines.write($0) }
                }
                try lines.finish()
            } catch {
                lines.abandon()
                throw error
            }
        }

        private func kinds() throws -> [EntryKind] {
            try (kind ?? "").split(separator: ",").map { name in
                guard let kind = EntryKind(rawValue: String(name)) else {
                    let known = EntryKind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--kind \(name) is not a kind of entry; known are \(known)")
                }
                return kind
            }
        }
    }
}

/// Lines that are written in portions, to standard output or to a file that is whole when it gets its name.
private struct ExportLines {
    private let path: String?
    private let draft: String
    private let descriptor: Int32
    private let showsProgress: Bool
    private var waiting: [UInt8] = []
    private var count = 0

    private static let portion = 65_536

    init(path: String?) throws {
        self.path = path
        draft = path.map { $0 + ".part" } ?? ""
        showsProgress = path != nil && isatty(2) == 1
        guard let path else {
            descriptor = 1
            return
        }
        guard !LocalFile.exists(path) else { throw StartupError("\(path) is there already; name another file") }
        descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.problem("cannot write \(draft)") }
    }

    mutating func write(_ line: [UInt8]) throws {
        waiting += line
        waiting.append(UInt8(ascii: "\n"))
        count += 1
        guard waiting.count >= Self.portion else { return }
        try flush()
        if showsProgress { Output.progress("\(count) entries") }
    }

    mutating func finish() throws {
        try flush()
        guard let path else { return }
        guard fsync(descriptor) == 0, unsafe rename(draft, path) == 0 else {
            throw Self.problem("cannot write \(path)")
        }
        if showsProgress { Output.progress("") }
        Output.error("\(count) lines are in \(path).")
    }

    func abandon() {
        if path != nil { _ = unsafe unlink(draft) }
    }

    private mutating func flush() throws {
        var rest = waiting[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Musl)
                    unsafe Musl.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    unsafe Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.problem("cannot write \(path ?? "standard output")") }
            rest = rest.dropFirst(count)
        }
        waiting.removeAll(keepingCapacity: true)
    }

    private static func problem(_ what: String) -> StartupError {
        unsafe StartupError("\(what): \(String(cString: strerror(errno)))")
    }
}
