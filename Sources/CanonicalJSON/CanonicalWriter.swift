/// Writes objects in canonical form (RFC 8785) straight to bytes, without a tree in between; for the hot path.
///
/// Members must be written in canonical order, each key once; a debug build stops where they are not.
package struct CanonicalWriter {
    /// What is written so far.
    package private(set) var bytes: [UInt8]
    private var lastKey: String?

    /// A writer with room for some bytes.
    package init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Writes `{`, members, and `}`.
    package mutating func object(_ members: (inout CanonicalWriter) -> Void) {
        open()
        members(&self)
        close()
    }

    /// Writes `{`; for an object that is not ended here.
    package mutating func open() {
        lastKey = nil
        bytes.append(UInt8(ascii: "{"))
    }

    /// Writes a member's key; its value is to follow.
    package mutating func key(_ name: String) {
        assert(lastKey.map { UTF8Order.precedes($0, name) } ?? true, "\(name) does not come after \(lastKey ?? "")")
        if lastKey != nil { bytes.append(UInt8(ascii: ",")) }
        lastKey = name
        appendJSONString(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Writes a member that is a string.
    package mutating func member(_ name: String, _ value: String) {
        key(name)
        appendJSONString(value, to: &bytes)
    }

    /// Writes a member that is an integer within ±(2⁵³ − 1).
    package mutating func member(_ name: String, _ value: Int64) {
        key(name)
        CanonicalNumber.append(value, to: &bytes)
    }

    /// Writes a member that there is a value of.
    package mutating func member(_ name: String, _ value: JSONValue) {
        key(name)
        value.appendCanonical(to: &bytes)
    }

    /// Writes a member that is an object.
    package mutating func member(_ name: String, _ members: (inout CanonicalWriter) -> Void) {
        key(name)
        object(members)
        lastKey = name
    }

    /// Writes a member that is an array of strings.
    package mutating func member(_ name: String, strings: some Sequence<String>) {
        member(name, array: strings) { text, writer in appendJSONString(text, to: &writer.bytes) }
    }

    /// Writes a member that is an array of objects.
    package mutating func member<Element>(
        _ name: String,
        objects elements: some Sequence<Element>,
        _ members: (Element, inout CanonicalWriter) -> Void,
    ) {
        member(name, array: elements) { element, writer in writer.object { members(element, &$0) } }
    }

    private mutating func member<Element>(
        _ name: String,
        array elements: some Sequence<Element>,
        _ write: (Element, inout CanonicalWriter) -> Void,
    ) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            write(element, &self)
        }
        bytes.append(UInt8(ascii: "]"))
        lastKey = name
    }

    private mutating func close() { bytes.append(UInt8(ascii: "}")) }
}
