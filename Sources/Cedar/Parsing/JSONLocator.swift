import CanonicalJSON

/// Finds where a value stands in a JSON document that is known to be well formed.
struct JSONLocator {
    /// Where the values that another one holds stand.
    struct Children {
        var members: [CedarString: Int] = [:]
        var elements: [Int] = []
    }

    private let bytes: [UInt8]
    private var offset = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The offset of the value that the steps lead to, or nil if they lead to none.
    static func offset(of steps: [JSONPath.Step], in bytes: [UInt8]) -> Int? {
        var locator = JSONLocator(bytes)
        locator.skipSpace()
        for step in steps {
            switch step {
            case .member(let name): guard locator.enterMember(name) else { return nil }
            case .element(let index): guard locator.enterElement(index) else { return nil }
            }
        }
        return locator.offset
    }

    /// The offsets of the values below the one that the steps lead to; none where that holds none.
    ///
    /// One pass over the text, however many there are.
    static func children(of steps: [JSONPath.Step], in bytes: [UInt8]) -> Children {
        guard let start = Self.offset(of: steps, in: bytes) else { return Children() }
        var locator = JSONLocator(bytes)
        locator.offset = start
        var children = Children()
        if locator.take("{") {
            while locator.offset < bytes.count, !locator.take("}") {
                let start = locator.offset
                locator.skipString()
                let key = Self.text(bytes[start..<locator.offset])
                locator.skipSpace()
                guard locator.take(":") else { return children }
                if let key { children.members[CedarString(key)] = locator.offset }
                locator.skipValue()
                _ = locator.take(",")
            }
        } else if locator.take("[") {
            while locator.offset < bytes.count, !locator.take("]") {
                children.elements.append(locator.offset)
                locator.skipValue()
                _ = locator.take(",")
            }
        }
        return children
    }

    private mutating func enterMember(_ name: String) -> Bool {
        guard self.take("{") else { return false }
        while self.offset < self.bytes.count, !self.take("}") {
            let start = self.offset
            self.skipString()
            let key = self.bytes[start..<self.offset]
            self.skipSpace()
            guard self.take(":") else { return false }
            if Self.isString(key, name) { return true }
            self.skipValue()
            _ = self.take(",")
        }
        return false
    }

    private mutating func enterElement(_ index: Int) -> Bool {
        guard self.take("[") else { return false }
        for _ in 0..<index {
            self.skipValue()
            guard self.take(",") else { return false }
        }
        return true
    }

    private static func isString(_ literal: ArraySlice<UInt8>, _ text: String) -> Bool {
        guard literal.contains(UInt8(ascii: "\\")) else {
            return literal.dropFirst().dropLast().elementsEqual(text.utf8)
        }
        return Self.text(literal).map { $0.utf8.elementsEqual(text.utf8) } ?? false
    }

    private static func text(_ literal: ArraySlice<UInt8>) -> String? {
        let limits = JSONLimits(maxBytes: literal.count, allowsNoncharacters: true)
        return (try? JSONParser.parse(Array(literal), limits: limits))?.stringValue
    }

    /// Skips a value, however deep, and the space after it.
    private mutating func skipValue() {
        var depth = 0
        while self.offset < self.bytes.count {
            switch self.bytes[self.offset] {
            case UInt8(ascii: "\""):
                self.skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return }
                depth -= 1
            case UInt8(ascii: ","):
                if depth == 0 { return }
            default: break
            }
            self.offset += 1
        }
    }

    private mutating func skipString() {
        self.offset += 1
        while self.offset < self.bytes.count, self.bytes[self.offset] != UInt8(ascii: "\"") {
            self.offset += self.bytes[self.offset] == UInt8(ascii: "\\") ? 2 : 1
        }
        self.offset = min(self.offset + 1, self.bytes.count)
    }

    private mutating func skipSpace() {
        while self.offset < self.bytes.count, self.bytes[self.offset] <= 0x20 { self.offset += 1 }
    }

    /// Takes a character and the space after it.
    private mutating func take(_ expected: Unicode.Scalar) -> Bool {
        guard self.offset < self.bytes.count, self.bytes[self.offset] == UInt8(ascii: expected) else { return false }
        self.offset += 1
        self.skipSpace()
        return true
    }
}
