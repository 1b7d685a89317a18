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
    fileprivate func offset(of path: SchemaPath) -> Int {
        guard self.bytes.count <= Self.searchedBytes else { return 0 }
        return JSONLocator.offset(of: path.steps, in: self.bytes) ?? 0
    }
}

/// Where a schema says something: an offset in its text, or the way to a value where it is JSON.
struct SchemaPlace: Sendable {
    private enum Location {
        case offset(Int)
        case path(SchemaPath)
    }

    private let source: SchemaSource
    private let location: Location

    init(_ source: SchemaSource, offset: Int) {
        self.source = source
        self.location = .offset(offset)
    }

    init(_ source: SchemaSource, path: SchemaPath) {
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

/// The way from a JSON document's root to one of its values.
///
/// A list from the value up, so that a document with a key of megabytes above a million members costs no more than the
/// document.
final class SchemaPath: Sendable, CustomStringConvertible {
    /// One step down.
    enum Step: Sendable {
        /// To the member of that name.
        case member(String)
        /// To the element of that number.
        case element(Int)
    }

    private let last: Step?
    private let parent: SchemaPath?

    /// The way to the root.
    init() {
        self.last = nil
        self.parent = nil
    }

    private init(_ last: Step, after parent: SchemaPath) {
        self.last = last
        self.parent = parent
    }

    /// The way to a member of the value.
    func member(_ name: String) -> SchemaPath { SchemaPath(.member(name), after: self) }

    /// The way to an element of the value.
    func element(_ index: Int) -> SchemaPath { SchemaPath(.element(index), after: self) }

    /// The steps from the root.
    var steps: [Step] {
        var steps: [Step] = []
        var path: SchemaPath? = self
        while let next = path {
            if let last = next.last { steps.append(last) }
            path = next.parent
        }
        return steps.reversed()
    }

    /// The steps from the root: `NS.entityTypes.User.memberOfTypes[0]`, long names shortened.
    var description: String {
        var text = ""
        for step in self.steps {
            switch step {
            case .member(let name):
                if !text.isEmpty { text += "." }
                text += name.isEmpty ? "\"\"" : SchemaName.shortened(name)
            case .element(let index): text += "[\(index)]"
            }
        }
        return text
    }
}
