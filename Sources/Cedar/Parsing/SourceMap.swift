/// Turns byte offsets of one file into lines and columns.
struct SourceMap: Sendable {
    /// The bytes between two counted places.
    private static let block = 256

    let file: String
    private let bytes: [UInt8]
    private let lineStarts: [Int]
    /// The characters before every block, so that a column in a line of megabytes is not counted from the line's start.
    private let charactersBefore: [Int]

    init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
        var starts = [0]
        var counts: [Int] = []
        var characters = 0
        for (index, byte) in bytes.enumerated() {
            if index % Self.block == 0 { counts.append(characters) }
            if byte & 0xC0 != 0x80 { characters += 1 }
            if byte == UInt8(ascii: "\n") { starts.append(index + 1) }
        }
        if bytes.count % Self.block == 0 { counts.append(characters) }
        self.lineStarts = starts
        self.charactersBefore = counts
    }

    func position(of offset: Int) -> SourcePosition {
        let offset = min(max(offset, 0), self.bytes.count)
        var low = 0
        var high = self.lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if self.lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let column = self.characters(before: offset) - self.characters(before: self.lineStarts[low]) + 1
        return SourcePosition(file: self.file, line: low + 1, column: column, offset: offset)
    }

    private func characters(before offset: Int) -> Int {
        let start = offset / Self.block * Self.block
        var count = self.charactersBefore[offset / Self.block]
        for byte in self.bytes[start..<offset] where byte & 0xC0 != 0x80 { count += 1 }
        return count
    }
}
