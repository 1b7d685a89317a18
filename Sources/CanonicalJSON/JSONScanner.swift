/// The recursive-descent reader behind `JSONParser`: where it is in the text, and how deep.
///
/// It keeps no bytes: every function is lent the same span. Recursion is bounded by `JSONLimits.maxDepth`.
struct JSONScanner {
    let limits: JSONLimits
    private let maxDepth: Int
    var position = 0
    var depth = 0
    /// Holds strings that have escapes while they are put together.
    var scratch: [UInt8] = []

    init(limits: JSONLimits) {
        self.limits = limits
        maxDepth = min(limits.maxDepth, JSONLimits.depthCeiling)
    }

    /// Reads the one value that the text must be.
    mutating func document(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONValue {
        guard bytes.count <= limits.maxBytes else { throw JSONFault(.tooLarge, at: max(limits.maxBytes, 0)) }
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw JSONFault(.byteOrderMark, at: 0)
        }
        skipWhitespace(bytes)
        let value = try value(bytes)
        skipWhitespace(bytes)
        guard position == bytes.count else { throw JSONFault(.trailingData, at: position) }
        return value
    }

    mutating func value(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONValue {
        switch try peek(bytes) {
        case UInt8(ascii: "\""):
            return .string(try string(bytes))
        case UInt8(ascii: "{"):
            return .object(try object(bytes))
        case UInt8(ascii: "["):
            return .array(try array(bytes))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try number(bytes)
        case UInt8(ascii: "t"):
            try literal("true", bytes)
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false", bytes)
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null", bytes)
            return .null
        default:
            throw JSONFault(.unexpectedCharacter, at: position)
        }
    }

    private mutating func array(_ bytes: Span<UInt8>) throws(JSONFault) -> [JSONValue] {
        try enter()
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        skipWhitespace(bytes)
        if try peek(bytes) == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        elements.reserveCapacity(4)
        while true {
            elements.append(try value(bytes))
            if try !another(before: UInt8(ascii: "]"), bytes) { return elements }
        }
    }

    private mutating func object(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONObject {
        let start = position
        try enter()
        defer { depth -= 1 }
        var members = MemberCollector()
        skipWhitespace(bytes)
        if try peek(bytes) == UInt8(ascii: "}") {
            position += 1
            return JSONObject()
        }
        while true {
            let keyOffset = position
            let key = try memberKey(bytes)
            let value = try value(bytes)
            if members.add(key, value) { throw JSONFault(.duplicateKey, at: keyOffset) }
            if try !another(before: UInt8(ascii: "}"), bytes) { break }
        }
        if let key = members.sort() { throw try duplicate(of: key, inObjectAt: start, bytes) }
        return JSONObject(ascending: members.members)
    }

    /// Reads a key and the colon after it, up to the value.
    private mutating func memberKey(_ bytes: Span<UInt8>) throws(JSONFault) -> String {
        guard try peek(bytes) == UInt8(ascii: "\"") else { throw JSONFault(.unexpectedCharacter, at: position) }
        let key = try string(bytes)
        skipWhitespace(bytes)
        guard try peek(bytes) == UInt8(ascii: ":") else { throw JSONFault(.unexpectedCharacter, at: position) }
        position += 1
        skipWhitespace(bytes)
        return key
    }

    /// Reads the comma before another element, up to that element, or the bracket that ends them.
    @inline(__always)
    private mutating func another(before end: UInt8, _ bytes: Span<UInt8>) throws(JSONFault) -> Bool {
        skipWhitespace(bytes)
        let byte = try peek(bytes)
        guard byte == UInt8(ascii: ",") || byte == end else { throw JSONFault(.unexpectedCharacter, at: position) }
        position += 1
        if byte == end { return false }
        skipWhitespace(bytes)
        return true
    }

    /// Finds the second place of a key in a large object, by reading the object, which is known to be sound, again.
    private mutating func duplicate(
        of key: String,
        inObjectAt start: Int,
        _ bytes: Span<UInt8>,
    ) throws(JSONFault) -> JSONFault {
        position = start + 1
        var isSecond = false
        repeat {
            skipWhitespace(bytes)
            let offset = position
            if UTF8Order.equal(try memberKey(bytes), key) {
                if isSecond { return JSONFault(.duplicateKey, at: offset) }
                isSecond = true
            }
            _ = try value(bytes)
        } while try another(before: UInt8(ascii: "}"), bytes)
        return JSONFault(.duplicateKey, at: start)
    }

    private mutating func enter() throws(JSONFault) {
        guard depth < maxDepth else { throw JSONFault(.tooDeep, at: position) }
        depth += 1
        position += 1
    }

    private mutating func literal(_ word: StaticString, _ bytes: Span<UInt8>) throws(JSONFault) {
        for index in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count else { throw JSONFault(.unexpectedEnd, at: position) }
            guard unsafe bytes[position] == word.utf8Start[index] else {
                throw JSONFault(.unexpectedCharacter, at: position)
            }
            position += 1
        }
    }

    @inline(__always)
    private func peek(_ bytes: Span<UInt8>) throws(JSONFault) -> UInt8 {
        guard position < bytes.count else { throw JSONFault(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    @inline(__always)
    private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte <= 0x20 else { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }
}

/// The members of an object being read: kept in order while they are few, sorted at the end when they are many.
///
/// Insertion alone would take a hostile text quadratic time.
private struct MemberCollector {
    private static let few = 24

    private(set) var members: [JSONObject.Member] = []
    private var isAscending = true

    /// Adds a member and says whether its key is known to be a duplicate.
    mutating func add(_ key: String, _ value: JSONValue) -> Bool {
        var index = members.count
        if isAscending {
            while index > 0 {
                let order = UTF8Order.compare(members[index - 1].key, key)
                if order == 0 { return true }
                if order < 0 { break }
                guard members.count < Self.few else {
                    isAscending = false
                    index = members.count
                    break
                }
                index -= 1
            }
        }
        if members.isEmpty { members.reserveCapacity(6) }
        let member = JSONObject.Member(key: key, value: value)
        if index == members.count { members.append(member) } else { members.insert(member, at: index) }
        return false
    }

    /// Puts the members in order and returns a key that stands twice, if there is one.
    mutating func sort() -> String? {
        if isAscending { return nil }
        members.sort { UTF8Order.precedes($0.key, $1.key) }
        for index in members.indices.dropFirst() where UTF8Order.equal(members[index - 1].key, members[index].key) {
            return members[index].key
        }
        return nil
    }
}
