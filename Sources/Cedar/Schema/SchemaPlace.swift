/// One text of a schema, kept so that an offset in it can be told as line and column.
final class SchemaSource: Sendable {
    let map: SourceMap

    init(_ map: SourceMap) { self.map = map }
}

/// Where a schema says something: an offset in its text, and the path of members where the text is JSON.
struct SchemaPlace: Sendable {
    let source: SchemaSource
    let offset: Int
    let path: SchemaPath?

    /// The problem as it is reported; a JSON form's path leads the message.
    func error(_ message: String, hint: String? = nil) -> PolicyError {
        let message = self.path.map { "\($0): \(message)" } ?? message
        return PolicyError(message: message, hint: hint, position: self.source.map.position(of: self.offset))
    }
}

/// The way from a JSON document's root to one of its values.
///
/// A list from the value up, so that a document with a key of megabytes above a million members costs no more than the
/// document.
final class SchemaPath: Sendable, CustomStringConvertible {
    /// One step down: a member's key as it is shown, or an element's index in brackets.
    let step: String
    let parent: SchemaPath?

    init(_ step: String, in parent: SchemaPath?) {
        self.step = step
        self.parent = parent
    }

    /// The steps from the root: `NS.entityTypes.User.memberOfTypes[0]`, long keys shortened.
    var description: String {
        var steps: [String] = []
        var path: SchemaPath? = self
        while let next = path {
            steps.append(SchemaName.shortened(next.step))
            path = next.parent
        }
        var text = ""
        for step in steps.reversed() {
            if !text.isEmpty, step.utf8.first != UInt8(ascii: "[") { text += "." }
            text += step
        }
        return text
    }
}
