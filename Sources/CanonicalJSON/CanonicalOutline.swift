/// Where the strings of a canonical text stand, and its outer members, found without making values of them.
///
/// For those who read many texts that we wrote ourselves. It knows the form that we write (RFC 8785) and gives up at
/// anything else, such as white space, and at escapes; ``JSONParser`` is for those. It finds every string of a text that
/// is JSON, but does not check whether the text is.
package struct CanonicalOutline: Sendable {
    /// A string that is a value, by its place in the text.
    package struct Text: Sendable {
        /// The name of the member that has it, or that has the array in which it stands; empty outside of all members.
        package let name: Range<Int>
        /// Its bytes, quotes left out.
        package let value: Range<Int>
    }

    /// A member of the text's object, or of an object that is such a member's value.
    package struct Member: Sendable {
        /// The name of the member around it, empty if there is none.
        package let parent: Range<Int>
        /// Its name, quotes left out.
        package let name: Range<Int>
        /// Its value as it is written.
        package let value: Range<Int>

        /// The whole member, from its name's first quote on.
        package var whole: Range<Int> { (name.lowerBound - 1)..<value.upperBound }
    }

    /// The strings in the text's order.
    package private(set) var texts: [Text] = []
    /// The outer members; those of a value before the one whose value it is.
    package private(set) var members: [Member] = []
    private var position = 0

    private static let nowhere = 0..<0

    /// An outline of nothing; reading reuses its memory.
    package init() {}

    /// Reads a text; false if it is not of the form that this can read.
    package mutating func read(_ bytes: Span<UInt8>) -> Bool {
        texts.removeAll(keepingCapacity: true)
        members.removeAll(keepingCapacity: true)
        position = 0
        return value(bytes, named: Self.nowhere, depth: 0) && position == bytes.count
    }

    private mutating func value(_ bytes: Span<UInt8>, named name: Range<Int>, depth: Int) -> Bool {
        guard position < bytes.count, depth <= JSONLimits.depthCeiling else { return false }
        switch bytes[position] {
        case UInt8(ascii: "\""):
            guard let text = string(bytes) else { return false }
            texts.append(Text(name: name, value: text))
            return true
        case UInt8(ascii: "{"): return object(bytes, named: name, depth: depth + 1)
        case UInt8(ascii: "["): return array(bytes, named: name, depth: depth + 1)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "t"), UInt8(ascii: "f"),
            UInt8(ascii: "n"):
            while position < bytes.count, !Self.endsWord(bytes[position]) { position += 1 }
            return true
        default: return false
        }
    }

    private mutating func object(_ bytes: Span<UInt8>, named parent: Range<Int>, depth: Int) -> Bool {
        position += 1
        if take(UInt8(ascii: "}"), bytes) { return true }
        repeat {
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\""), let name = string(bytes),
                take(UInt8(ascii: ":"), bytes)
            else { return false }
            let start = position
            guard value(bytes, named: name, depth: depth) else { return false }
            if depth <= 2 { members.append(Member(parent: parent, name: name, value: start..<position)) }
        } while take(UInt8(ascii: ","), bytes)
        return take(UInt8(ascii: "}"), bytes)
    }

    private mutating func array(_ bytes: Span<UInt8>, named name: Range<Int>, depth: Int) -> Bool {
        position += 1
        if take(UInt8(ascii: "]"), bytes) { return true }
        repeat {
            // One deeper than the objects whose members are told: what is in an array is no outer member.
            guard value(bytes, named: name, depth: max(depth, 2)) else { return false }
        } while take(UInt8(ascii: ","), bytes)
        return take(UInt8(ascii: "]"), bytes)
    }

    /// Reads a string; `nil` if it has an escape or no end.
    private mutating func string(_ bytes: Span<UInt8>) -> Range<Int>? {
        let start = position + 1
        let end = unsafe PlainRun.end(in: bytes.bytes, from: start, stoppingAtMultibyte: false)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return nil }
        position = end + 1
        return start..<end
    }

    private mutating func take(_ byte: UInt8, _ bytes: Span<UInt8>) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private static func endsWord(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }
}
