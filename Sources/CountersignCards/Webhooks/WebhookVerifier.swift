package import CountersignCore
import Crypto

/// Checks a webhook that came in: the other end of ``WebhookMessage``.
package struct WebhookVerifier: Sendable {
    /// Any of these may have signed.
    package let keys: [WebhookKey]
    /// How far the sender's clock may be from ours.
    package let tolerance: Duration

    /// The most signatures that one message may carry: each costs a computation.
    package static let maximumSignatures = 16

    /// Checks with these keys.
    package init(keys: [WebhookKey], tolerance: Duration = .seconds(300)) {
        self.keys = keys
        self.tolerance = tolerance
    }

    /// Accepts a body that a key signed, and whose time is near `now`; returns when it was sent.
    ///
    /// The id is what the caller remembers, so that a repetition is known. Signatures are compared in constant time, and
    /// versions that we do not know are passed over.
    package func verify(
        _ headers: WebhookHeaders,
        body: [UInt8],
        now: Timestamp,
    ) throws(ChannelFault) -> Timestamp {
        guard WebhookMessage.isID(headers.id) else {
            throw ChannelFault(.signatureMalformed, "webhook-id is not 1 to 255 letters, digits, `_` and `-`.")
        }
        guard let sent = Timestamp(secondsText: headers.timestamp) else {
            throw ChannelFault(.signatureMalformed, "webhook-timestamp is not a number of seconds since 1970.")
        }
        let parts = headers.signature.utf8.split(separator: UInt8(ascii: " "))
        guard !parts.isEmpty, parts.count <= Self.maximumSignatures else {
            throw ChannelFault(
                .signatureMalformed,
                "webhook-signature has \(parts.count) signatures; 1 to \(Self.maximumSignatures) are read.",
            )
        }
        let content = WebhookMessage.signedContent(id: headers.id, timestamp: headers.timestamp, body: body)
        var isSigned = false
        for part in parts {
            // Without a way out in between: how long it takes must not tell which key or signature was right.
            for key in keys where Self.fits(Substring(part), content, key) { isSigned = true }
        }
        guard isSigned else {
            throw ChannelFault(
                .signatureMismatch,
                "No signature fits: the secret is another one, or the body was changed on its way.",
            )
        }
        guard sent.isWithin(tolerance, of: now) else {
            throw ChannelFault(
                .timestampOutOfRange,
                "The webhook is more than \(tolerance.components.seconds) s old or early: send it anew, or set the clock.",
            )
        }
        return sent
    }

    private static func fits(_ part: Substring, _ content: [UInt8], _ key: WebhookKey) -> Bool {
        func signature(_ version: String) -> [UInt8]? {
            guard part.utf8.starts(with: version.utf8) else { return nil }
            return Base64.decode(part.dropFirst(version.utf8.count))
        }
        switch key.material {
        case .shared(let secret):
            guard let code = signature("v1,") else { return false }
            return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: secret)
        case .signing(let key):
            return signature("v1a,").map { key.publicKey.isValidSignature($0, for: content) } ?? false
        case .checking(let key):
            return signature("v1a,").map { key.isValidSignature($0, for: content) } ?? false
        }
    }
}
