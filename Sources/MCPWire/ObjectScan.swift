package import CanonicalJSON

/// The members of one JSON object, found in place: for a look at a few members of a large one.
package enum ObjectScan {
    /// More members than any message or result has; a bound on memory, not on what is served.
    static let maxMembers = 65_536

    /// The names and where their values are, in the order in which they stand; no name twice.
    ///
    /// The range must be that of an object, white space around it allowed; all of it is checked.
    package static func members(
        _ bytes: [UInt8],
        in range: Range<Int>,
    ) throws(RPCFault) -> [(name: String, value: Range<Int>)] {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { throw .cut }
        let span = bytes.span
        var scanner = ValueScanner(from: range.lowerBound, to: range.upperBound)
        scanner.skipWhitespace(span)
        guard try scanner.peek(span) == UInt8(ascii: "{") else { throw .notAnObject }
        scanner.position += 1
        scanner.skipWhitespace(span)
        var members = Members()
        if try scanner.peek(span) == UInt8(ascii: "}") {
            scanner.position += 1
        } else {
            while true {
                let keyStart = scanner.position
                try scanner.key(span)
                let start = scanner.position
                let name = try string(bytes[keyStart..<start])
                try scanner.value(span)
                try members.add(name, start..<scanner.position)
                scanner.skipWhitespace(span)
                let byte = try scanner.peek(span)
                scanner.position += 1
                if byte == UInt8(ascii: "}") { break }
                guard byte == UInt8(ascii: ",") else { throw .unexpected }
                scanner.skipWhitespace(span)
            }
        }
        scanner.skipWhitespace(span)
        guard scanner.position == range.upperBound else { throw .trailing }
        return members.all
    }

    /// The value at a range that a scan gave, as a tree; nil if it is not one that JSON readers understand alike.
    package static func value(_ bytes: [UInt8], in range: Range<Int>) -> JSONValue? {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return nil }
        return try? JSONParser.parse(bytes[range], limits: lenient)
    }

    /// The id of a message whose other members may be anything; nil if it cannot be told.
    static func id(ofMessage bytes: [UInt8]) -> RequestID? {
        guard let members = try? members(bytes, in: bytes.indices) else { return nil }
        guard let range = members.first(where: { $0.name == "id" })?.value else { return nil }
        return value(bytes, in: range).flatMap(RequestID.init)
    }

    private static var lenient: JSONLimits {
        JSONLimits(maxDepth: ValueScanner.maxDepth, maxBytes: .max, numbers: .int64, allowsNoncharacters: true)
    }

    /// The string that begins a slice, up to its closing quote; what is behind that (a colon, space) is cut off.
    private static func string(_ bytes: ArraySlice<UInt8>) throws(RPCFault) -> String {
        guard let quote = bytes.lastIndex(of: UInt8(ascii: "\"")), quote > bytes.startIndex else { throw .unexpected }
        let text = bytes[(bytes.startIndex + 1)..<quote]
        if !text.contains(UInt8(ascii: "\\")) { return String(decoding: text, as: UTF8.self) }
        guard let value = try? JSONParser.parse(bytes[bytes.startIndex...quote], limits: lenient).stringValue else {
            throw RPCFault("a name holds half of a surrogate pair")
        }
        return value
    }
}

extension RPCFault {
    static let notAnObject = RPCFault("a message must be one object")
}

/// The members of an object being scanned: which there were is known by their bytes.
private struct Members {
    private(set) var all: [(name: String, value: Range<Int>)] = []
    /// The names, once they are too many to look through; as JSON strings, which are equal only if their bytes are.
    private var names: Set<JSONValue> = []

    mutating func add(_ name: String, _ value: Range<Int>) throws(RPCFault) {
        guard all.count < ObjectScan.maxMembers else { throw RPCFault("an object has too many members") }
        if all.count == 16 { names = Set(all.map { .string($0.name) }) }
        let isNew =
            all.count < 16 ? !all.contains { UTF8Order.equal($0.name, name) } : names.insert(.string(name)).inserted
        guard isNew else { throw RPCFault("an object has the same name twice") }
        all.append((name, value))
    }
}
