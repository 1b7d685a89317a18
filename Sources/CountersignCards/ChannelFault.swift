/// Why something that concerns a channel was not accepted.
///
/// The message is safe for a stranger: it never holds a secret, a signature or a body.
package struct ChannelFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds; the raw values are stable reason codes.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// A secret or key from the configuration is none.
        case secretMalformed = "secret-malformed"
        /// What was to be signed cannot be.
        case messageUnsignable = "message-unsignable"
        /// A signature, or what belongs to it, is missing or cannot be read.
        case signatureMalformed = "signature-malformed"
        /// No signature fits the message.
        case signatureMismatch = "signature-mismatch"
        /// The message is older than is tolerated, or its time is still to come.
        case timestampOutOfRange = "timestamp-out-of-range"
        /// An address or range of addresses cannot be read.
        case addressMalformed = "address-malformed"
        /// An address that deliveries must not go to.
        case addressRefused = "address-refused"
        /// A request or message of the channel cannot be read.
        case payloadMalformed = "payload-malformed"
        /// The public URL cannot stand in a card.
        case linkMalformed = "link-malformed"
    }

    /// The kind.
    package let code: Code
    /// What is wrong, and how to mend it.
    package let message: String

    /// A fault of a kind.
    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// A delivery that must not be.
    package init(addressRefused message: String) { self.init(.addressRefused, message) }

    /// The message and its code.
    package var description: String { "\(message) (\(code.rawValue))" }
}
