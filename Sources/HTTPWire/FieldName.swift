/// What is known about fields by their name.
enum FieldName {
    /// Whether a field concerns one connection and never travels further (RFC 9110, section 7.6.1).
    static func isHopByHop(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 2: Grammar.spells(name, "te")
        case 7: Grammar.spells(name, "trailer") || Grammar.spells(name, "upgrade")
        case 10: Grammar.spells(name, "connection") || Grammar.spells(name, "keep-alive")
        case 16: Grammar.spells(name, "proxy-connection")
        case 17: Grammar.spells(name, "transfer-encoding")
        case 18: Grammar.spells(name, "proxy-authenticate")
        case 19: Grammar.spells(name, "proxy-authorization")
        case _: false
        }
    }

    /// Whether a field decides routing, framing, identity or meaning, so that Connection may not have it removed.
    ///
    /// Without this a client could list `Authorization` or `Host` in Connection and let a proxy strip what the next
    /// server relies on.
    static func isEndToEnd(_ name: Span<UInt8>) -> Bool {
        isFramingOrRouting(name) || isContent(name) || isForwarding(name)
    }

    /// Whether a field must be known before the body and so is refused in trailers (RFC 9110, section 6.5.1).
    static func isForbiddenInTrailers(_ name: Span<UInt8>) -> Bool {
        isHopByHop(name) || isFramingOrRouting(name) || isContent(name) || isForwarding(name)
            || isRequestModifier(name) || isResponseControl(name)
    }

    private static func isFramingOrRouting(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 4: Grammar.spells(name, "host")
        case 6: Grammar.spells(name, "cookie") || Grammar.spells(name, "expect")
        case 10: Grammar.spells(name, "set-cookie")
        case 13: Grammar.spells(name, "authorization")
        case 14: Grammar.spells(name, "content-length") || Grammar.spells(name, "content_length")
        case 16: Grammar.spells(name, "www-authenticate")
        case 17: Grammar.spells(name, "transfer-encoding") || Grammar.spells(name, "transfer_encoding")
        case _: false
        }
    }

    private static func isContent(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 12: Grammar.spells(name, "content-type")
        case 13: Grammar.spells(name, "content-range") || Grammar.spells(name, "cache-control")
        case 16: Grammar.spells(name, "content-encoding")
        case _: false
        }
    }

    /// Fields by which proxies tell each other who the client is.
    private static func isForwarding(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 9: Grammar.spells(name, "forwarded") || Grammar.spells(name, "x-real-ip")
        case 15: Grammar.spells(name, "x-forwarded-for")
        case 16: Grammar.spells(name, "x-forwarded-host")
        case 17: Grammar.spells(name, "x-forwarded-proto")
        case _: false
        }
    }

    private static func isRequestModifier(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 5: Grammar.spells(name, "range")
        case 6: Grammar.spells(name, "pragma") || Grammar.spells(name, "prefer")
        case 8: Grammar.spells(name, "if-match") || Grammar.spells(name, "if-range")
        case 12: Grammar.spells(name, "max-forwards")
        case 13: Grammar.spells(name, "if-none-match")
        case 15: Grammar.spells(name, "idempotency-key")
        case 17: Grammar.spells(name, "if-modified-since")
        case 19: Grammar.spells(name, "if-unmodified-since")
        case _: false
        }
    }

    private static func isResponseControl(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 3: Grammar.spells(name, "age")
        case 4: Grammar.spells(name, "date") || Grammar.spells(name, "vary")
        case 7: Grammar.spells(name, "expires") || Grammar.spells(name, "warning")
        case 8: Grammar.spells(name, "location")
        case 11: Grammar.spells(name, "retry-after")
        case _: false
        }
    }
}
