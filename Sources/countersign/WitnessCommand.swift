import ArgumentParser
import CanonicalJSON
import CountersignServer
import TransparencyLog

/// The command `countersign witness`.
struct WitnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Runs a witness, which cosigns the checkpoints of gateways' logs (C2SP tlog-witness).",
        discussion: """
            Run it on another machine than the gateway, best by other people: a gateway that shows different logs to \
            different people, or goes back behind what it showed, then finds no witness to cosign it. It makes its own \
            key and keeps its own state in the data folder, and reads no configuration. Give its key and its address to \
            the gateway (log.witnesses), and its key to whoever checks receipts (countersign verify --witness).
            """,
    )

    @Option(help: "Where it listens: HOST:PORT.")
    var listen = "127.0.0.1:8643"

    @Option(help: "Its data folder, for its key and for what it cosigned; never put an older copy back.")
    var data = "./witness-data"

    @Option(help: "Its name, for life: witness.example.com/w1, for instance. Only needed at the first start.")
    var name: String?

    @Option(
        help: "The verifier key of a log that it cosigns (countersign log key), or a file that holds it; repeatable."
    )
    var log: [String] = []

    @Option(help: "A certificate chain in PEM, to serve https.")
    var tlsCertificate: String?

    @Option(help: "The certificate's private key in PEM.")
    var tlsKey: String?

    @Flag(help: "Print the witness's verifier key, making it if there is none, and end.")
    var printKey = false

    @OptionGroup var logging: LogOptions
    @OptionGroup var format: FormatOptions

    mutating func run() async throws {
        let tls: (String, String)?
        switch (tlsCertificate, tlsKey) {
        case (let certificate?, let key?): tls = (certificate, key)
        case (nil, nil): tls = nil
        default: throw ValidationError("--tls-certificate and --tls-key belong together")
        }
        let settings = WitnessServing.Settings(
            data: data,
            name: name,
            listen: listen,
            logs: try log.map(verifier),
            tls: tls,
        )
        let serving = WitnessServing(settings, log: try logging.style())
        let format = format
        guard !printKey else {
            let key = try await serving.key()
            format.print(["key": .string(key)]) { Output.line(key) }
            return
        }
        try await serving.run { started in
            let logs = started.logs.map { JSONValue.string($0) }
            format.print(["key": .string(started.key), "logs": .array(logs), "url": .string(started.url)]) {
                Output.line(
                    """
                    The witness is ready.

                      Address   \(started.url)
                      Logs      \(started.logs.map(Output.safe).joined(separator: ", "))
                      Key       \(started.key)

                    In the gateway's configuration:
                      log: {witnesses: [{key: "\(started.key)", url: "\(started.url)"}]}
                    """
                )
            }
        }
    }

    private func verifier(_ text: String) throws -> NoteVerifier {
        var key = text
        if LocalFile.exists(text), case .success(let bytes) = LocalFile.read(text) {
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            key = String(decoding: line, as: UTF8.self)
        }
        do {
            return try NoteVerifier(vkey: key)
        } catch {
            throw Failure(.usage, "--log is neither a log's verifier key nor a file that holds one: \(error)")
        }
    }
}
