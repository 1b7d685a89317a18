/// The way from a JSON document's root to one of its values.
///
/// A list from the value up, so that a document with a key of megabytes above a million members costs no more than the
/// document.
final class JSONPath: Sendable, CustomStringConvertible {
    /// One step down.
    enum Step: Sendable {
        /// To the member of that name.
        case member(String)
        /// To the element of that number.
        case element(Int)
    }

    private let last: Step?
    private let parent: JSONPath?

    /// The way to the root.
    init() {
        self.last = nil
        self.parent = nil
    }

    private init(_ last: Step, after parent: JSONPath) {
        self.last = last
        self.parent = parent
    }

    /// The way to a member of the value.
    func member(_ name: String) -> JSONPath { JSONPath(.member(name), after: self) }

    /// The way to an element of the value.
    func element(_ index: Int) -> JSONPath { JSONPath(.element(index), after: self) }

    /// The steps from the root.
    var steps: [Step] {
        var steps: [Step] = []
        var path: JSONPath? = self
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
                text += name.isEmpty ? "\"\"" : CedarText.shortened(name)
            case .element(let index): text += "[\(index)]"
            }
        }
        return text
    }
}
