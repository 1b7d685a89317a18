/// One text of a schema, kept so that an offset in it can be told as line and column.
final class SchemaSource: Sendable {
    /// The longest JSON document in which values are looked for when something is wrong with them.
    private static let searchedBytes = 1 << 20

    let map: SourceMap
    private let bytes: [UInt8]

    init(file: String, bytes: [UInt8]) {
        self.map = SourceMap(file: file, bytes: bytes)
        self.bytes = bytes
    }

    /// Where a value of a JSON document stands; the document's start where that is not to be found.
    fileprivate func offset(of path: JSONPath) -> Int {
        guard self.bytes.count <= Self.searchedBytes else { return 0 }
        return JSONLocator.offset(of: path.steps, in: self.bytes) ?? 0
    }
}

/// Where a schema says something: an offset in its text, or the way to a value where it is JSON.
struct SchemaPlace: Sendable {
    private enum Location {
        case offset(Int)
        case path(JSONPath)
    }

    private let source: SchemaSource
    private let location: Location

    init(_ source: SchemaSource, offset: Int) {
        self.source = source
        self.location = .offset(offset)
    }

    init(_ source: SchemaSource, path: JSONPath) {
        self.source = source
        self.location = .path(path)
    }

    /// The problem as it is reported; the way to the value leads the message about a JSON document.
    func error(_ message: String, hint: String? = nil) -> PolicyError {
        switch self.location {
        case .offset(let offset):
            return PolicyError(message: message, hint: hint, position: self.source.map.position(of: offset))
        case .path(let path):
            let position = self.source.map.position(of: self.source.offset(of: path))
            let shown = path.description
            return PolicyError(
                message: shown.isEmpty ? message : "\(shown): \(message)",
                hint: hint,
                position: position,
            )
        }
    }
}
