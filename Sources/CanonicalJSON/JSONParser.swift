/// Reads strict JSON: RFC 8259 without its liberties, and the restrictions of I-JSON (RFC 7493).
///
/// One value and nothing after it, no byte order mark, each key once, valid UTF-8, no lone surrogates.
package enum JSONParser {
    /// Reads a text from memory that the caller lends.
    package static func parse(_ bytes: Span<UInt8>, limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        var scanner = JSONScanner(limits: limits)
        do throws(JSONFault) {
            return try scanner.document(bytes)
        } catch {
            throw JSONError(error, in: bytes)
        }
    }

    /// Reads a text.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        try parse(bytes.span, limits: limits)
    }

    /// Reads a text from any collection; one that is contiguous is not copied.
    package static func parse(
        _ bytes: some Collection<UInt8>,
        limits: JSONLimits = .init(),
    ) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError>? = bytes.withContiguousStorageIfAvailable { buffer in
            let span = unsafe buffer.span
            return Result { () throws(JSONError) in try parse(span, limits: limits) }
        }
        guard let result else { return try parse(Array(bytes), limits: limits) }
        return try result.get()
    }

    /// Reads a text that is a string already.
    package static func parse(_ text: String, limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        try parse(text.utf8, limits: limits)
    }
}
