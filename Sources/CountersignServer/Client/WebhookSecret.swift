import CountersignCards

/// Makes what webhooks are signed with.
package enum WebhookSecret {
    /// A new one, `whsec_…`.
    package static func make() -> String { WebhookKey.newSecret(chance: .system) }
}
