/// Writes server-sent events.
package enum EventStreamWriter {
    /// A message as an event; its bytes are best one line, and each line of several is a data line.
    package static func message(_ data: [UInt8], id: String? = nil) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(data.count + 64)
        append("id", id, to: &output)
        output.append(contentsOf: "event: message\n".utf8)
        for line in lines(data) {
            output.append(contentsOf: "data: ".utf8)
            output.append(contentsOf: line)
            output.append(0x0A)
        }
        output.append(0x0A)
        return output
    }

    /// A comment, which keeps a connection from looking dead.
    package static func comment(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        for line in lines(Array(text.utf8)) {
            output.append(contentsOf: line.isEmpty ? ":".utf8 : ": ".utf8)
            output.append(contentsOf: line)
            output.append(0x0A)
        }
        output.append(0x0A)
        return output
    }

    /// The first event of a stream that can be resumed: an id, no data, perhaps how long to wait before that.
    package static func priming(id: String, retryMilliseconds: Int? = nil) -> [UInt8] {
        var output: [UInt8] = []
        append("id", id, to: &output)
        append("retry", retryMilliseconds.map { String(max($0, 0)) }, to: &output)
        output.append(contentsOf: "data: \n\n".utf8)
        return output
    }

    /// The lines of some bytes, whatever they end in; always one at least.
    private static func lines(_ data: [UInt8]) -> [ArraySlice<UInt8>] {
        guard data.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return [data[...]] }
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for index in data.indices where data[index] == 0x0A || data[index] == 0x0D {
            let isPair = data[index] == 0x0A && index > 0 && data[index - 1] == 0x0D
            if !isPair { lines.append(data[start..<index]) }
            start = index + 1
        }
        lines.append(data[start...])
        return lines
    }

    /// Appends a field whose value has no line break and no NUL; one that has is left out.
    private static func append(_ name: String, _ value: String?, to output: inout [UInt8]) {
        guard let value, !value.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else { return }
        output.append(contentsOf: "\(name): \(value)\n".utf8)
    }
}
