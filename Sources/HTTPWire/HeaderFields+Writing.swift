import NIOCore

/// Writing field lines.
extension HeaderFields {
    /// The number of bytes of the field lines.
    var wireSize: Int {
        entries.reduce(0) { $0 + Int($1.nameLength) + Int($1.valueLength) + 4 }
    }

    /// Refuses a list to which something was added that may not appear on the wire.
    func checkWritable() throws(WireError) {
        for entry in entries where !entry.isWritable {
            throw WireError(
                .badHeader,
                "A field to be written has a name that is no token, or a value with controls or outer white space.",
            )
        }
    }

    /// Writes `name: value CRLF` for every field.
    func write(into buffer: inout ByteBuffer) {
        let size = wireSize
        guard size > 0 else { return }
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
            unsafe storage.withUnsafeBytes { source in
                var position = 0
                for entry in entries {
                    unsafe Self.copy(source, entry.nameRange, target, &position)
                    unsafe target[position] = UInt8(ascii: ":")
                    unsafe target[position + 1] = UInt8(ascii: " ")
                    position += 2
                    unsafe Self.copy(source, entry.valueRange, target, &position)
                    unsafe target[position] = UInt8(ascii: "\r")
                    unsafe target[position + 1] = UInt8(ascii: "\n")
                    position += 2
                }
            }
            return size
        }
    }

    /// Copies part of one piece of memory to another, both checked, and moves the position behind it.
    private static func copy(
        _ source: UnsafeRawBufferPointer,
        _ range: Range<Int>,
        _ target: UnsafeMutableRawBufferPointer,
        _ position: inout Int,
    ) {
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[position..<(position + range.count)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
        position += range.count
    }
}
