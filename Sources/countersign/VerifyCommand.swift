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

    @OptionGroup var format: FormatOptions

    mutating func run() throws {
        let verifier = try VerifierKey.read(key)
        let bytes: [UInt8]
        switch LocalFile.read(receipt) {
        case .success(let content): bytes = content
        case .failure(let problem): throw Failure(.usage, "cannot read \(receipt): \(problem.message)")
        }
        let summary = try Receipt(parsing: bytes).verify(with: verifier)
        format.print(summary.json) { ReceiptText.print(summary) }
    }
}

/// Reads `--key`.
enum VerifierKey {
    /// A verifier key, or what a file that holds one says.
    static func read(_ key: String) throws -> NoteVerifier {
        var text = key
        if LocalFile.exists(key), case .success(let bytes) = LocalFile.read(key) {
            text = String(
                decoding: bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") },
                as: UTF8.self
            )
        }
        do {
            return try NoteVerifier(vkey: text)
        } catch {
            throw Failure(.usage, "--key is neither a verifier key nor a file that holds one: \(error)")
        }
    }
}

/// Tells a verified receipt to a person.
enum ReceiptText {
    /// Prints who asked for what, which gates stopped it, who decided and what came of it.
    static func print(_ receipt: ReceiptSummary) {
        func field(_ name: String, _ text: String?) {
            guard let text, !text.isEmpty else { return }
            Output.line("  \(name)" + String(repeating: " ", count: max(1, 14 - name.count)) + Output.safe(text))
        }
        Output.line("The receipt verifies: its entries are in the log \(Output.safe(receipt.log)), unchanged.\n\n")
        field("asked by", receipt.agent + (receipt.owner.map { ", owned by \($0)" } ?? ""))
        field("on behalf of", receipt.onBehalfOf)
        field("action", receipt.action)
        field("resource", receipt.resource)
        field("digest", receipt.digest)
        field("asked at", receipt.requestedAt)
        field("approval", receipt.approval?.rawValue)
        for gate in receipt.gates {
            let groups = gate.approvers.map(\.rawValue).joined(separator: ", ")
            field("gate", "\(gate.policy): \(gate.quorum) of each of \(groups)")
        }
        for decision in receipt.decisions {
            let counted = decision.isAccepted ? "" : " (did not count: \(decision.refusals.joined(separator: ", ")))"
            let reason = decision.reason.isEmpty ? "" : ", \"\(decision.reason)\""
            field(decision.decision, "\(decision.user) at \(decision.time)\(reason)\(counted)")
        }
        field("status", receipt.status)
        if let outcome = receipt.outcome {
            let status = outcome.status.map { " (\($0))" } ?? ""
            field("outcome", outcome.result.rawValue + status + (outcome.detail.map { ", \($0)" } ?? ""))
        }
        Output.line("\n  entries of the log, which had \(receipt.treeSize) when this was proven:")
        for event in receipt.events {
            let actor = "\(event.actor.type) \(event.actor.id)" + (event.actor.via.map { " via \($0)" } ?? "")
            Output.line("    \(event.sequence)  \(event.time)  \(event.kind.rawValue)  \(Output.safe(actor))")
        }
        if let document = receipt.document { Output.line("\n  the action, exactly:\n    \(Output.safe(document))") }
    }
}
