import ArgumentParser
import CountersignCore
import CountersignServer
import TransparencyLog

/// The command `countersign verify`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Verifies a receipt offline: no server, no configuration, no network.",
        discussion: "Exits with 0 if the receipt verifies, and with 4 if any byte of it is not what was logged.",
    )

    @Argument(help: "The receipt's file.")
    var receipt: String

    @Option(help: "The log's verifier key (countersign log key), or a file that holds it.")
    var key: String

    @Option(help: "A witness's verifier key, or a file that holds it; give it once for each witness.")
    var witness: [String] = []

    @Option(help: "How many of the witnesses must have cosigned; all that are given, if not said.")
    var quorum: Int?

    @OptionGroup var format: FormatOptions

    mutating func run() throws {
        let verifier = try VerifierKey.read(key)
        let witnesses = try witnesses()
        let bytes: [UInt8]
        switch LocalFile.read(receipt) {
        case .success(let content): bytes = content
        case .failure(let problem): throw Failure(.usage, "cannot read \(receipt): \(problem.message)")
        }
        let summary = try Receipt(parsing: bytes).verify(with: verifier, witnesses: witnesses)
        format.print(summary.json) { ReceiptText.print(summary, quorum: quorum ?? witness.count) }
    }

    private func witnesses() throws -> WitnessPolicy {
        let keys = try witness.map { text in
            do {
                return try CosignatureVerifier(vkey: VerifierKey.text(text))
            } catch {
                throw Failure(.usage, "--witness is neither a witness's verifier key nor a file with one: \(error)")
            }
        }
        do {
            return try WitnessPolicy(quorum ?? keys.count, of: keys)
        } catch {
            throw Failure(.usage, "--witness and --quorum do not fit together: \(error)")
        }
    }
}

/// Reads `--key` and `--witness`.
enum VerifierKey {
    /// A log's verifier key, or what a file that holds one says.
    static func read(_ key: String) throws -> NoteVerifier {
        do {
            return try NoteVerifier(vkey: text(key))
        } catch {
            throw Failure(.usage, "--key is neither a verifier key nor a file that holds one: \(error)")
        }
    }

    /// The key itself, or the first line of the file that holds it.
    static func text(_ text: String) -> String {
        guard LocalFile.exists(text), case .success(let bytes) = LocalFile.read(text) else { return text }
        return String(
            decoding: bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") },
            as: UTF8.self,
        )
    }
}
