import CanonicalJSON

extension ToolDefinition {
    /// The most findings that are told of one definition.
    package static let maxFindings = 64

    /// Hidden or deceiving characters in all that is shown or read: name, title, description, annotations, schemas.
    ///
    /// Names of members count as text. Of a text with many of one kind the first is told, and how many. Hidden characters
    /// in a pointer are written as `\u{…}`.
    package var hiddenCharacters: [HiddenCharacter] {
        var found: [HiddenCharacter] = []
        var trail = Trail()
        for key in ["name", "title", "description", "inputSchema", "outputSchema", "annotations"] {
            guard let value = json[key] else { continue }
            var stack = [(value: value, step: Trail.Step(parent: nil, part: .name(key)))]
            while let (value, step) = stack.popLast(), found.count < Self.maxFindings {
                switch value {
                case .string(let text):
                    found += HiddenCharacter.all(in: text) { trail.pointer(to: step) }
                case .array(let elements):
                    let place = trail.add(step)
                    for (index, element) in elements.enumerated().reversed() {
                        stack.append((element, Trail.Step(parent: place, part: .index(index))))
                    }
                case .object(let object):
                    let place = trail.add(step)
                    for member in object.reversed() {
                        stack.append((member.value, Trail.Step(parent: place, part: .name(member.key))))
                    }
                    for member in object where found.count < Self.maxFindings {
                        found += HiddenCharacter.all(in: member.key) { trail.pointer(to: step) }
                    }
                case .null, .bool, .integer, .number: break
                }
            }
        }
        return Array(found.prefix(Self.maxFindings))
    }
}

/// The way to each container that was entered, from which pointers are made only where there is something to tell.
private struct Trail {
    enum Part {
        case name(String)
        case index(Int)
    }

    struct Step {
        /// The container it is in; nil at the top.
        let parent: Int?
        let part: Part
    }

    private var steps: [Step] = []

    mutating func add(_ step: Step) -> Int {
        steps.append(step)
        return steps.count - 1
    }

    func pointer(to step: Step) -> String {
        var parts: [String] = []
        var step: Step? = step
        while let current = step {
            switch current.part {
            case .name(let name): parts.append(Self.escaped(name))
            case .index(let index): parts.append(String(index))
            }
            step = current.parent.map { steps[$0] }
        }
        return parts.reversed().map { "/\($0)" }.joined()
    }

    /// A name as a part of a JSON pointer (RFC 6901, section 3).
    private static func escaped(_ name: String) -> String {
        var output = ""
        for scalar in HiddenCharacter.revealed(name).unicodeScalars {
            switch scalar {
            case "~": output += "~0"
            case "/": output += "~1"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
