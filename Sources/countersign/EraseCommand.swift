import ArgumentParser
import CanonicalJSON
import CountersignServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension LogCommand {
    /// The command `countersign log erase`.
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes what stands beside entries for good; the log still verifies.",
            discussion: """
                Of an approval's entry, all that shows the action goes: the documents beside the approval's entries, the \
                kept response, remembered answers. The entries stay, with their commitments, and an entry payload.erased \
                tells who erased what and why. An approval that is under way must be ended first. Backups keep what they \
                have.
                """,
        )

        @Argument(help: "The entries' sequence numbers.")
        var sequences: [UInt64] = []

        @Option(help: "An approval, in the place of sequence numbers.")
        var approval: String?

        @Option(help: "Why; it stands in the log for ever, so name nobody.")
        var reason: String

        @Flag(help: "Do not ask whether it is meant.")
        var yes = false

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            guard sequences.isEmpty != (approval == nil) else {
                throw ValidationError("name sequence numbers or --approval ID, one of the two")
            }
            guard !reason.isEmpty else { throw ValidationError("--reason says nothing") }
        }

        mutating func run() async throws {
            let client = try access.access().administrator()
            let what = approval.map { ["/v1/approvals/" + Query.encode($0)] } ?? sequences.map { "/v1/entries/\($0)" }
            try confirm(approval.map { "the approval \($0)" } ?? Self.name(sequences))
            var erased = [JSONValue]()
            var gone = Set<Int64>()
            for (index, path) in what.enumerated() {
                // Another entry of the same approval took it along.
                if approval == nil, gone.contains(Int64(clamping: sequences[index])) { continue }
                let value = try await client.value("POST", path + "/erase", ["reason": .string(reason)])
                gone.formUnion((value["sequences"]?.arrayValue ?? []).compactMap(\.integerValue))
                erased.append(value)
                if !format.json { Output.line(Self.line(value)) }
            }
            if format.json { Output.json(["items": .array(erased)]) }
        }

        /// Asks on a terminal; a script says --yes or does not ask.
        private func confirm(_ what: String) throws {
            guard !yes else { return }
            guard isatty(0) == 1 else { throw Failure(.usage, "say --yes: what is erased cannot be brought back") }
            Output.error("What stands beside \(what) is removed for good. Type yes to go on: ")
            guard readLine() == "yes" else { throw Failure(.failed, "nothing was erased") }
        }

        private static func name(_ sequences: [UInt64]) -> String {
            let names = sequences.map { String($0) }.joined(separator: ", ")
            return sequences.count == 1 ? "entry \(names)" : "the entries \(names)"
        }

        private static func line(_ value: JSONValue) -> String {
            let sequences = (value["sequences"]?.arrayValue ?? []).compactMap(\.integerValue)
            return "Erased what stood beside \(name(sequences.map { UInt64(clamping: $0) })); "
                + "entry \(value["entry"]?.integerValue ?? 0) tells of it."
        }
    }
}
