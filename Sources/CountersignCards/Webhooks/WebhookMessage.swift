package import CountersignCore
import Crypto

/// The three header fields of a webhook (Standard Webhooks 1.0.0).
package struct WebhookHeaders: Hashable, Sendable {
    /// The message's id, `webhook-id`.
    package let id: String
    /// When this attempt was made, in seconds since the epoch, `webhook-timestamp`.
    package let timestamp: String
    /// Signatures with their versions, separated by spaces, `webhook-signature`.
    package let signature: String

    /// Takes what came with a request.
    package init(id: String, timestamp: String, signature: String) {
        self.id = id
        self.timestamp = timestamp
        self.signature = signature
    }

    /// Names and values, as they are sent.
    package var fields: [(name: String, value: String)] {
        [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
    }
}

/// What one webhook says; its id and body are the same in every attempt to deliver it.
package struct WebhookMessage: Hashable, Sendable {
    /// The id: what the receiver knows a repetition by.
    package let id: String
    /// The body, exactly as it is sent.
    package let body: [UInt8]

    /// The longest body; the specification asks for less than 20 kB.
    package static let maximumBody = 20_000

    /// Checks that the message can be signed: a dot in the id would make two messages one signed text.
    package init(id: String, body: [UInt8]) throws(ChannelFault) {
        guard Self.isID(id) else {
            throw ChannelFault(.messageUnsignable, "A webhook's id is 1 to 255 letters, digits, `_` and `-`.")
        }
        guard body.count < Self.maximumBody else {
            throw ChannelFault(
                .messageUnsignable,
                "The webhook's body has \(body.count) bytes, and must have fewer than \(Self.maximumBody): send a link.",
            )
        }
        self.id = id
        self.body = body
    }

    /// The header fields of an attempt at `now`, signed with every key, so that a receiver may have either during a
    /// rotation.
    package func headers(at now: Timestamp, keys: [WebhookKey]) throws(ChannelFault) -> WebhookHeaders {
        let timestamp = String(now.wholeSeconds)
        let content = Self.signedContent(id: id, timestamp: timestamp, body: body)
        var signatures: [String] = []
        for key in keys {
            switch key.material {
            case .shared(let secret):
                let code = HMAC<SHA256>.authenticationCode(for: content, using: secret)
                signatures.append("v1," + Base64.encode(Array(code)))
            case .signing(let key):
                guard let signature = try? key.signature(for: content) else {
                    throw ChannelFault(.messageUnsignable, "The Ed25519 signature could not be made.")
                }
                signatures.append("v1a," + Base64.encode(Array(signature)))
            case .checking:
                throw ChannelFault(
                    .messageUnsignable,
                    "A public key (whpk_) cannot sign: configure the private key (whsk_).",
                )
            }
        }
        guard !signatures.isEmpty else {
            throw ChannelFault(.messageUnsignable, "No key signs this webhook: configure a secret (whsec_).")
        }
        return WebhookHeaders(id: id, timestamp: timestamp, signature: signatures.joined(separator: " "))
    }

    static func isID(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    static func signedContent(id: String, timestamp: String, body: [UInt8]) -> [UInt8] {
        Array(id.utf8) + [UInt8(ascii: ".")] + Array(timestamp.utf8) + [UInt8(ascii: ".")] + body
    }
}

extension Timestamp {
    /// Seconds since the epoch, rounded down.
    var wholeSeconds: Int64 {
        microseconds / 1_000_000 - (microseconds % 1_000_000 < 0 ? 1 : 0)
    }

    /// Reads seconds since the epoch: digits only, as signed requests carry them.
    init?(secondsText text: String) {
        let digits = text.utf8
        guard (1...12).contains(digits.count), digits.allSatisfy({ $0 >= 48 && $0 <= 57 }), let seconds = Int64(text)
        else { return nil }
        self.init(microseconds: seconds * 1_000_000)
    }

    /// Whether two moments are no further apart than a tolerance; whole seconds, as signed requests carry them.
    func isWithin(_ tolerance: Duration, of other: Timestamp) -> Bool {
        (wholeSeconds - other.wholeSeconds).magnitude <= UInt64(max(0, tolerance.components.seconds))
    }
}
