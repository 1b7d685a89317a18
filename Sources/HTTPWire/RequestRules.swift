/// What the fields of a request must say, and what follows from them.
enum RequestRules {
    /// The framing of a request with these fields (RFC 9112, section 6.3).
    static func framing(_ control: ControlFields) -> BodyFraming {
        if control.isChunked { return .chunked }
        return control.contentLength.map(BodyFraming.length) ?? .none
    }

    /// Refuses a request without exactly one Host, which HTTP/1.0 may omit.
    static func checkHost(_ control: ControlFields, _ fields: HeaderFields, minor: Int) throws(WireError) {
        if control.hosts > 1 { throw WireError(.duplicateHost, "There is more than one Host; send one.") }
        guard let host = control.host else {
            if minor == 0 { return }
            throw WireError(.missingHost, "Host is missing; HTTP/1.1 needs it.")
        }
        guard HostField.isValid(fields.storage.span.extracting(host.valueRange)) else {
            throw WireError(.badHost, "Host is not `host` or `host:port`.")
        }
    }

    /// Whether the request carries `Expect: 100-continue`; refuses every other expectation.
    ///
    /// HTTP/1.0 knows no expectations and a server would ignore this one, but the request may go on as HTTP/1.1 where
    /// it would mean something, so it is refused.
    static func hasExpectation(
        _ control: ControlFields,
        _ fields: HeaderFields,
        minor: Int,
    ) throws(WireError) -> Bool {
        guard let expectation = control.expectation else { return false }
        let value = fields.storage.span.extracting(expectation.valueRange)
        guard control.expectations == 1, minor == 1, Grammar.spells(value, "100-continue") else {
            throw WireError(.badExpectation, "Expect may only be one field, `100-continue`, and on HTTP/1.1.")
        }
        return true
    }
}
