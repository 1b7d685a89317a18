package import CountersignCore
import Crypto

/// Checks that a request came from Slack: signature `v0`, over the bytes as they came and before anything is parsed.
package struct SlackSignature: Sendable {
    private let secret: SymmetricKey

    /// How far Slack's time may be from ours.
    package static let tolerance = Duration.seconds(300)

    /// Checks with an app's signing secret: 32 hexadecimal digits, used as they stand.
    package init(signingSecret: String) throws(ChannelFault) {
        guard signingSecret.utf8.count >= 16, signingSecret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ChannelFault(
                .secretMalformed,
                "The Slack signing secret is shorter than 16 characters, or has spaces or line breaks. Copy it from Basic "
                    + "Information, App Credentials, Signing Secret; the bot token (xoxb-) is another one.",
            )
        }
        guard !["xoxb-", "xoxp-", "xapp-"].contains(where: { signingSecret.utf8.starts(with: $0.utf8) }) else {
            throw ChannelFault(
                .secretMalformed,
                "What is configured as the Slack signing secret is a token. Copy Signing Secret from Basic Information, App "
                    + "Credentials, and revoke the token if others could read it.",
            )
        }
        secret = SymmetricKey(data: Array(signingSecret.utf8))
    }

    /// Accepts a body by `X-Slack-Request-Timestamp` and `X-Slack-Signature`.
    ///
    /// What it returns is the same for the same request only: remember it for twice the tolerance, and refuse what comes
    /// with it again.
    package func verify(
        timestamp: String,
        signature: String,
        body: [UInt8],
        now: Timestamp,
    ) throws(ChannelFault) -> String {
        guard let sent = Timestamp(secondsText: timestamp) else {
            throw ChannelFault(.signatureMalformed, "X-Slack-Request-Timestamp is not a number of seconds since 1970.")
        }
        guard let code = Self.code(signature) else {
            throw ChannelFault(.signatureMalformed, "X-Slack-Signature is not v0= and 64 hexadecimal digits.")
        }
        let content = Array("v0:\(timestamp):".utf8) + body
        guard HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: content, using: secret) else {
            throw ChannelFault(
                .signatureMismatch,
                "The signature is not Slack's: the signing secret is another app's, or the body was changed on its way.",
            )
        }
        guard sent.isWithin(Self.tolerance, of: now) else {
            throw ChannelFault(.timestampOutOfRange, "The request is more than 300 s old or early: set the clock.")
        }
        return signature
    }

    /// The 32 bytes of `v0=` and lower-case hexadecimal digits.
    private static func code(_ signature: String) -> [UInt8]? {
        let bytes = Array(signature.utf8)
        guard bytes.count == 67, bytes.starts(with: "v0=".utf8) else { return nil }
        var code: [UInt8] = []
        for index in stride(from: 3, to: 67, by: 2) {
            guard let high = digit(bytes[index]), let low = digit(bytes[index + 1]) else { return nil }
            code.append(high << 4 | low)
        }
        return code
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
