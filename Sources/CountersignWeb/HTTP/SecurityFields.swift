import HTTPTypes

/// The header fields that every response has, so that a browser does with it only what we meant.
enum SecurityFields {
    /// For pages: nothing but our own style sheet, script, images and forms; nobody may frame us.
    static let pagePolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    /// For everything else: nothing at all, should a browser ever show it.
    static let documentPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

    /// Adds the fields that the response does not have.
    static func add(to fields: inout HTTPFields, isPage: Bool, isSecure: Bool) {
        func set(_ name: HTTPField.Name?, _ value: String) {
            guard let name, fields[name] == nil else { return }
            fields[name] = value
        }
        set(.contentSecurityPolicy, isPage ? pagePolicy : documentPolicy)
        set(.xContentTypeOptions, "nosniff")
        set(.cacheControl, "no-store")
        set(.frameOptions, "DENY")
        set(.referrerPolicy, "same-origin")
        set(.openerPolicy, "same-origin")
        set(.resourcePolicy, "same-origin")
        set(.permissionsPolicy, "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        if isSecure { set(.strictTransportSecurity, "max-age=31536000") }
    }
}

extension HTTPField.Name {
    /// `X-Frame-Options`; older browsers know no `frame-ancestors`.
    static let frameOptions = Self("X-Frame-Options")
    /// `Referrer-Policy`.
    static let referrerPolicy = Self("Referrer-Policy")
    /// `Cross-Origin-Opener-Policy`.
    static let openerPolicy = Self("Cross-Origin-Opener-Policy")
    /// `Cross-Origin-Resource-Policy`.
    static let resourcePolicy = Self("Cross-Origin-Resource-Policy")
    /// `Permissions-Policy`.
    static let permissionsPolicy = Self("Permissions-Policy")
    /// `Idempotency-Key`.
    static let idempotencyKey = Self("Idempotency-Key")
    /// `Idempotency-Replayed`.
    static let idempotencyReplayed = Self("Idempotency-Replayed")
    /// `X-CSRF-Token`.
    static let csrfToken = Self("X-CSRF-Token")
    /// `Last-Event-ID`.
    static let lastEventID = Self("Last-Event-ID")
    /// `Sec-Fetch-Site`.
    static let fetchSite = Self("Sec-Fetch-Site")
    /// `Countersign-Justification`: why the agent does this, in its words.
    static let justification = Self("Countersign-Justification")
    /// `X-Request-ID`.
    static let requestID = Self("X-Request-ID")
    /// `Countersign-Approval`.
    static let approval = Self("Countersign-Approval")
}

extension HTTPFields {
    /// The value of a cookie, the first of its name.
    func cookie(_ name: String) -> String? {
        let prefix = name + "="
        for field in self[values: .cookie] {
            for part in field.split(separator: ";") {
                let pair = part.drop { $0 == " " }
                if pair.utf8.starts(with: prefix.utf8) { return String(pair.dropFirst(prefix.count)) }
            }
        }
        return nil
    }

    /// The value of a field whose name was made from text, and is there once.
    func single(_ name: HTTPField.Name?) -> String? {
        guard let name else { return nil }
        let values = self[values: name]
        return values.count == 1 ? values.first : nil
    }

    /// Sets a field whose name was made from text.
    mutating func put(_ name: HTTPField.Name?, _ value: String) {
        if let name { self[name] = value }
    }
}
