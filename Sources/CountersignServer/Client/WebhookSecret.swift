import CountersignCards

/// Makes what webhooks are signed with.
package enum WebhookSecret {
    /// A new one, `whsec_…`.
    package static func make() -> String { WebhookKey.newSecret(chance: .system) }

    /// A new Ed25519 key, `whsk_…`, and the public key that the receiver needs, `whpk_…`.
    package static func makeSigning() throws -> (secret: String, publicKey: String) {
        let secret = WebhookKey.newSigningKey(chance: .system)
        return (secret, try WebhookKey(secret).publicKey ?? "")
    }
}
