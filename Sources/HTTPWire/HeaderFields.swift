/// An ordered list of fields, exactly as received; names compare ASCII-case-insensitively, values byte by byte.
///
/// The bytes of all lines live in one array and each field is a pair of ranges into it, so that reading a head costs
/// two allocations however many fields it has, and writing it again copies bytes without ever making a `String`.
/// Values are valid UTF-8: the parsers refuse anything else, so a `String` made here is never a repaired one.
///
/// `append` never traps and never throws: a name or value that may not appear on the wire is remembered as such, and
/// ``HTTPSerializer`` refuses to write the list.
package struct HeaderFields: Sendable {
    struct Entry: Sendable {
        var nameStart: UInt32
        var nameLength: UInt32
        var valueStart: UInt32
        var valueLength: UInt32
        /// Whether the field may be written as it is.
        var isWritable: Bool
    }

    /// The bytes that the entries point into, with whatever lies between them.
    var storage: [UInt8]
    /// The fields in order.
    var entries: [Entry]

    /// Makes an empty list.
    package init() {
        self.storage = []
        self.entries = []
    }

    init(storage: [UInt8], entries: [Entry]) {
        self.storage = storage
        self.entries = entries
    }

    /// The number of field lines.
    package var count: Int { entries.count }

    /// Whether there are no fields.
    package var isEmpty: Bool { entries.isEmpty }

    /// Adds a field at the end.
    package mutating func append(name: String, value: String) {
        let nameStart = storage.count
        storage.append(contentsOf: name.utf8)
        let valueStart = storage.count
        storage.append(contentsOf: value.utf8)
        let isWritable =
            Grammar.isToken(storage.span.extracting(nameStart..<valueStart))
            && Grammar.isTrimmedValue(storage.span.extracting(valueStart..<storage.count))
        entries.append(
            Entry(
                nameStart: UInt32(truncatingIfNeeded: nameStart),
                nameLength: UInt32(truncatingIfNeeded: valueStart - nameStart),
                valueStart: UInt32(truncatingIfNeeded: valueStart),
                valueLength: UInt32(truncatingIfNeeded: storage.count - valueStart),
                isWritable: isWritable,
            )
        )
    }

    /// Adds the fields of another list at the end, copying bytes only.
    package mutating func append(contentsOf other: HeaderFields) {
        let shift = UInt32(truncatingIfNeeded: storage.count)
        storage.append(contentsOf: other.storage)
        for entry in other.entries {
            var moved = entry
            moved.nameStart &+= shift
            moved.valueStart &+= shift
            entries.append(moved)
        }
    }

    /// Replaces every field of this name by one at the end.
    package mutating func set(name: String, value: String) {
        remove(name)
        append(name: name, value: value)
    }

    /// Removes every field of this name.
    package mutating func remove(_ name: String) {
        guard let first = index(of: name) else { return }
        var kept = Array(entries[..<first])
        for entry in entries[(first + 1)...] where !matches(entry, name) {
            kept.append(entry)
        }
        entries = kept
    }

    /// Removes every field whose name the closure asks to remove, in one pass.
    package mutating func removeAll(where shouldRemove: (_ name: String) -> Bool) {
        entries = entries.filter { !shouldRemove(self.name(of: $0)) }
    }

    /// The value of the first field of this name.
    package func first(_ name: String) -> String? {
        index(of: name).map { value(of: entries[$0]) }
    }

    /// The value of the first field of this name.
    package subscript(_ name: String) -> String? { first(name) }

    /// The values of all fields of this name, in order.
    package func all(_ name: String) -> [String] {
        entries.filter { matches($0, name) }.map { value(of: $0) }
    }

    /// Whether there is a field of this name.
    package func contains(_ name: String) -> Bool { index(of: name) != nil }

    /// The non-empty members, lowercased, of all fields of this name, split at commas.
    ///
    /// For fields that are lists of tokens, such as Connection; it knows nothing of quoted strings.
    package func tokens(of name: String) -> [String] {
        var tokens: [String] = []
        for entry in entries where matches(entry, name) {
            for member in storage[entry.valueRange].split(separator: UInt8(ascii: ",")) {
                let trimmed = Grammar.trimmed(member)
                guard !trimmed.isEmpty else { continue }
                tokens.append(String(decoding: trimmed.map(Grammar.lowercased), as: UTF8.self))
            }
        }
        return tokens
    }
}

extension HeaderFields.Entry {
    var nameRange: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameLength) }
    var valueRange: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueLength) }
}

extension HeaderFields: Sequence {
    /// The fields in order, as strings made on the way.
    package func makeIterator() -> Iterator { Iterator(fields: self) }

    /// Goes through the fields of a list.
    package struct Iterator: IteratorProtocol, Sendable {
        let fields: HeaderFields
        var position = 0

        /// The next field.
        package mutating func next() -> (name: String, value: String)? {
            guard position < fields.entries.count else { return nil }
            let entry = fields.entries[position]
            position += 1
            return (fields.name(of: entry), fields.value(of: entry))
        }
    }

    /// The number of field lines, so that `map` and friends allocate once.
    package var underestimatedCount: Int { count }
}

extension HeaderFields: Hashable {
    /// Whether both have the same fields in the same order: names without regard to case, values byte by byte.
    package static func == (left: HeaderFields, right: HeaderFields) -> Bool {
        guard left.count == right.count else { return false }
        for (one, other) in zip(left.entries, right.entries) {
            guard one.nameLength == other.nameLength, one.valueLength == other.valueLength else { return false }
            guard
                Grammar.equalIgnoringCase(
                    left.storage.span.extracting(one.nameRange),
                    right.storage.span.extracting(other.nameRange),
                ),
                left.storage[one.valueRange] == right.storage[other.valueRange]
            else { return false }
        }
        return true
    }

    /// Feeds what `==` compares.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for entry in entries {
            for byte in storage[entry.nameRange] { hasher.combine(Grammar.lowercased(byte)) }
            hasher.combine(UInt8(ascii: ":"))
            for byte in storage[entry.valueRange] { hasher.combine(byte) }
            hasher.combine(UInt8(ascii: "\n"))
        }
    }
}

extension HeaderFields: CustomStringConvertible {
    /// One line for each field.
    package var description: String { map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    /// Makes a list from a literal, in its order.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name: name, value: value) }
    }
}
