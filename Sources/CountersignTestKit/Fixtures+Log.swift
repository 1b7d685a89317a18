package import TransparencyLog

extension Fixtures {
    /// The origin of the log that tests sign checkpoints for.
    package static let logOrigin = "countersign.example.com/log"

    /// Signs with a key that everybody knows: the private bytes are 0, 1, 2, … 31.
    package static func logSigner() throws -> NoteSigner {
        try NoteSigner.parse(
            "PRIVATE+KEY+countersign.example.com/log+08754abb+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
        )
    }
}
