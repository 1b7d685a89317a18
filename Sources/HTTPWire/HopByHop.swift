/// Whether a field concerns one connection and must not be forwarded (RFC 9110, section 7.6.1).
///
/// `connectionTokens` are the lowercase members of the message's Connection field,
/// ``HeaderFields/tokens(of:)``: the sender's own additions to the fixed list.
package func isHopByHop(_ name: String, connectionTokens: [String] = []) -> Bool {
    let bytes = name.utf8.map(Grammar.lowercased)
    return FieldName.isHopByHop(bytes.span) || connectionTokens.contains { $0.utf8.elementsEqual(bytes) }
}

extension HeaderFields {
    /// Removes the fields of one hop: the fixed list and whatever Connection names.
    ///
    /// What the next hop needs is written anew: ``HTTPSerializer`` adds Transfer-Encoding and Connection from the
    /// head's `framing` and `keepAlive`.
    package mutating func removeHopByHop() {
        let bytes = storage
        let listed = entries.reduce(into: [Range<Int>]()) { listed, entry in
            guard Grammar.spells(bytes.span.extracting(entry.nameRange), "connection") else { return }
            Self.appendOptions(of: bytes, in: entry.valueRange, to: &listed)
        }
        entries.removeAll { entry in
            let name = bytes.span.extracting(entry.nameRange)
            return FieldName.isHopByHop(name)
                || listed.contains { Grammar.equalIgnoringCase(name, bytes.span.extracting($0)) }
        }
    }

    /// Adds where the members of a Connection field are that may name further fields.
    private static func appendOptions(of bytes: [UInt8], in value: Range<Int>, to listed: inout [Range<Int>]) {
        var start = value.lowerBound
        for end in value.lowerBound...value.upperBound {
            guard end == value.upperBound || bytes[end] == UInt8(ascii: ",") else { continue }
            let member = Grammar.trimmed(bytes[start..<end])
            let name = bytes.span.extracting(member.indices)
            if !name.isEmpty, !Grammar.spells(name, "close"), !FieldName.isHopByHop(name) {
                listed.append(member.indices)
            }
            start = end + 1
        }
    }
}
