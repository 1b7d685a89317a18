/// The byte level of a field list: lookups that allocate nothing.
extension HeaderFields {
    func name(of entry: Entry) -> String { Grammar.string(storage.span.extracting(entry.nameRange)) }

    func value(of entry: Entry) -> String { Grammar.string(storage.span.extracting(entry.valueRange)) }

    /// Where the first field of this name is.
    func index(of name: String) -> Int? {
        entries.firstIndex { Self.matches($0, name, in: storage) }
    }

    /// Whether a field has this name.
    func matches(_ entry: Entry, _ name: String) -> Bool { Self.matches(entry, name, in: storage) }

    /// Whether a field of a list with these bytes has this name.
    static func matches(_ entry: Entry, _ name: String, in storage: [UInt8]) -> Bool {
        guard Int(entry.nameLength) == name.utf8.count else { return false }
        var position = Int(entry.nameStart)
        for byte in name.utf8 {
            guard Grammar.lowercased(storage[position]) == Grammar.lowercased(byte) else { return false }
            position += 1
        }
        return true
    }
}
