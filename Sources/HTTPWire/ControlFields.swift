/// What the fields of a head say about framing and the connection, once every ambiguity is refused.
///
/// Parsers and serializer share it, so what is written is held to the rules by which it will be read.
struct ControlFields {
    /// The body length that the fields announce.
    private(set) var contentLength: UInt64?
    /// Whether the one transfer coding is `chunked`.
    private(set) var isChunked = false
    /// Whether Connection lists `close`.
    private(set) var close = false
    /// Whether Connection lists `keep-alive`.
    private(set) var keepAlive = false
    /// Whether Connection lists `upgrade`.
    private(set) var upgrade = false
    /// Whether there is an Upgrade field.
    private(set) var hasUpgrade = false
    /// The number of Host fields.
    private(set) var hosts = 0
    /// The last Host field.
    private(set) var host: HeaderFields.Entry?
    /// The number of Expect fields.
    private(set) var expectations = 0
    /// The last Expect field.
    private(set) var expectation: HeaderFields.Entry?

    init(_ fields: HeaderFields, minor: Int) throws(WireError) {
        let bytes = fields.storage.span
        var length: HeaderFields.Entry?
        var coding: HeaderFields.Entry?
        var lengths = 0
        var codings = 0
        for entry in fields.entries {
            let name = bytes.extracting(entry.nameRange)
            switch entry.nameLength {
            case 4 where Grammar.spells(name, "host"):
                hosts += 1
                host = entry
            case 6 where Grammar.spells(name, "expect"):
                expectations += 1
                expectation = entry
            case 7 where Grammar.spells(name, "upgrade"):
                hasUpgrade = true
            case 10 where Grammar.spells(name, "connection"):
                try readConnection(bytes.extracting(entry.valueRange))
            case 14 where Grammar.spells(name, "content-length"):
                lengths += 1
                length = entry
            case 17 where Grammar.spells(name, "transfer-encoding"):
                codings += 1
                coding = entry
            case 14 where Grammar.spells(name, "content_length"), 17 where Grammar.spells(name, "transfer_encoding"):
                throw WireError(.badHeader, "A field name is a framing field spelt with an underscore; remove it.")
            case _: break
            }
        }
        if lengths > 1 || (lengths > 0 && codings > 0) {
            throw WireError(
                .ambiguousFraming,
                "Several fields say where the body ends; send one Content-Length or one Transfer-Encoding.",
            )
        }
        if let length { contentLength = try Self.length(bytes.extracting(length.valueRange)) }
        if let coding {
            guard codings == 1, minor == 1, Grammar.spells(bytes.extracting(coding.valueRange), "chunked") else {
                throw WireError(
                    .unsupportedTransferCoding,
                    "Transfer-Encoding may only be one field, exactly `chunked`, and on HTTP/1.1.",
                )
            }
            isChunked = true
        }
    }

    /// Whether there is a field that says where a body ends.
    var hasFraming: Bool { contentLength != nil || isChunked }

    /// Whether the connection stays open for a message of this version (RFC 9112, section 9.3).
    func keepsAlive(minor: Int) -> Bool { !close && (minor == 1 || keepAlive) }

    /// The number that Content-Length is: digits only, no sign, list or leading zero, and below 2^63.
    ///
    /// Leading zeros are refused because some readers take them for octal, and 2^63 and above because some readers
    /// hold lengths in signed integers.
    static func length(_ bytes: Span<UInt8>) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var isPlain = (1...19).contains(bytes.count) && (bytes.count == 1 || bytes[0] != UInt8(ascii: "0"))
        if isPlain {
            for index in bytes.indices {
                guard Grammar.isDigit(bytes[index]) else {
                    isPlain = false
                    break
                }
                value = value &* 10 &+ UInt64(bytes[index] &- 0x30)
            }
        }
        guard isPlain, value <= UInt64(Int64.max) else {
            throw WireError(.badContentLength, "Content-Length is not one plain decimal number below 2^63.")
        }
        return value
    }

    /// Reads the members of one Connection field.
    private mutating func readConnection(_ bytes: Span<UInt8>) throws(WireError) {
        var position = 0
        while position < bytes.count {
            while position < bytes.count, Grammar.isBlank(bytes[position]) || bytes[position] == UInt8(ascii: ",") {
                position += 1
            }
            let start = position
            while position < bytes.count, Grammar.isTokenByte(bytes[position]) { position += 1 }
            let option = bytes.extracting(start..<position)
            while position < bytes.count, Grammar.isBlank(bytes[position]) { position += 1 }
            guard position == bytes.count || (bytes[position] == UInt8(ascii: ",") && !option.isEmpty) else {
                throw WireError(.badConnection, "Connection is not a list of tokens separated by commas.")
            }
            if Grammar.spells(option, "close") {
                close = true
            } else if Grammar.spells(option, "keep-alive") {
                keepAlive = true
            } else if Grammar.spells(option, "upgrade") {
                upgrade = true
            } else if !option.isEmpty, FieldName.isEndToEnd(option) {
                throw WireError(
                    .badConnection,
                    "Connection names a field that must reach the other end; list only fields of this hop.",
                )
            }
        }
    }
}
