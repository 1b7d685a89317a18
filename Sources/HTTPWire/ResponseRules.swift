/// What the fields of a response must say, and what follows from them (RFC 9112, section 6.3).
enum ResponseRules {
    /// Whether method or status rule out a body.
    static func isBodyless(status: Int, method: String) -> Bool {
        status < 200 || status == 204 || status == 304 || method.utf8.elementsEqual("HEAD".utf8)
            || isTunnel(status: status, method: method)
    }

    /// Whether the connection becomes a tunnel after this head.
    static func isTunnel(status: Int, method: String) -> Bool {
        (200...299).contains(status) && method.utf8.elementsEqual("CONNECT".utf8)
    }

    /// Whether a response may not even say how long its body would have been (RFC 9110, section 8.6).
    static func forbidsFramingFields(status: Int, method: String) -> Bool {
        status < 200 || status == 204 || isTunnel(status: status, method: method)
    }

    static func framing(_ control: ControlFields, status: Int, method: String) throws(WireError) -> BodyFraming {
        if control.hasFraming, forbidsFramingFields(status: status, method: method) {
            throw WireError(.ambiguousFraming, "A response that cannot have a body says where its body ends.")
        }
        if isBodyless(status: status, method: method) { return .none }
        if control.isChunked { return .chunked }
        return control.contentLength.map(BodyFraming.length) ?? .untilClose
    }
}
