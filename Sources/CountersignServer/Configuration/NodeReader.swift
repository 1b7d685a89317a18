import CountersignCore
import Yams

/// Reads typed values out of YAML nodes and gathers every problem instead of stopping at the first.
final class NodeReader {
    let file: String
    let folder: String
    let world: ConfigurationWorld
    private(set) var problems: [ConfigurationProblem] = []
    /// How many nodes were turned into JSON; aliases of aliases could make more of them than there is memory.
    var converted = 0

    init(file: String, world: ConfigurationWorld) {
        self.file = file
        self.folder = FilePath.folder(of: file)
        self.world = world
    }

    /// Notes a problem.
    func fail(_ node: Node?, _ key: String, _ message: String) { fail(at: node?.mark, key, message) }

    /// Notes a problem at a place.
    func fail(at mark: Mark?, _ key: String, _ message: String) {
        problems.append(
            ConfigurationProblem(file: file, line: mark?.line, column: mark?.column, key: key, message: message)
        )
    }

    /// The members of a mapping whose keys are all known; what is unknown is a problem that names the nearest known key.
    func mapping(_ node: Node?, _ path: String, known: [String]) -> [String: Node] {
        guard let node, !isNull(node) else { return [:] }
        guard case .mapping(let mapping) = node else {
            fail(node, path, "must have keys: \(known.joined(separator: ", "))")
            return [:]
        }
        var members = [String: Node]()
        for (keyNode, value) in mapping {
            guard let key = keyNode.scalar?.string else {
                fail(keyNode, path, "has a key that is not text")
                continue
            }
            let place = path.isEmpty ? key : path + "." + key
            guard known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) else {
                let nearest = NearestName.find(key, among: known)
                let advice = nearest.map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))"
                fail(keyNode, place, "is an unknown key; \(advice)")
                continue
            }
            if members.updateValue(value, forKey: key) != nil { fail(keyNode, place, "stands here twice") }
        }
        return members
    }

    /// The items of a list.
    func list(_ node: Node?, _ path: String) -> [Node] {
        guard let node, !isNull(node) else { return [] }
        guard case .sequence(let items) = node else {
            fail(node, path, "must be a list")
            return []
        }
        return Array(items)
    }

    /// A text; numbers and booleans count as the text that they are written as.
    func text(_ node: Node?, _ path: String) -> String? {
        guard let node else { return nil }
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            fail(node, path, "must be text")
            return nil
        }
        return scalar.string
    }

    /// A duration such as `50s`.
    func duration(_ node: Node?, _ path: String, atLeast minimum: Duration = .milliseconds(1)) -> Duration? {
        guard let text = text(node, path) else { return nil }
        guard let duration = Duration(text: text), duration >= minimum else {
            fail(node, path, "\"\(text)\" is not a duration; write 250ms, 50s, 30m, 12h or 7d")
            return nil
        }
        return duration
    }

    /// Yes or no.
    func flag(_ node: Node?, _ path: String) -> Bool? {
        guard let text = text(node, path) else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default:
            fail(node, path, "\"\(text)\" is neither true nor false")
            return nil
        }
    }

    /// A whole number.
    func number(_ node: Node?, _ path: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(node, path) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            fail(node, path, "\"\(text)\" is not a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// A size such as `64KiB`, in bytes.
    func size(_ node: Node?, _ path: String) -> UInt64? {
        guard let text = text(node, path) else { return nil }
        let digits = text.utf8.prefix { (48...57).contains($0) }
        let unit = String(Substring(text.utf8.dropFirst(digits.count)))
        let factors: [String: UInt64] = [
            "": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1000, "MB": 1_000_000,
            "GB": 1_000_000_000,
        ]
        guard let value = UInt64(String(Substring(digits))), let factor = factors[unit],
            case (let bytes, false) = value.multipliedReportingOverflow(by: factor), bytes <= 1 << 50
        else {
            fail(node, path, "\"\(text)\" is not a size; write 65536, 64KiB, 16MiB or 10GiB")
            return nil
        }
        return bytes
    }

    /// An identifier of some kind.
    func identifier<Name: Identifier>(_ node: Node?, _ path: String, _ type: Name.Type, _ what: String) -> Name? {
        guard let text = text(node, path) else { return nil }
        guard let name = Name(text) else {
            fail(node, path, "\"\(text)\" is not \(what)")
            return nil
        }
        return name
    }

    /// A list of identifiers.
    func identifiers<Name: Identifier>(_ node: Node?, _ path: String, _ type: Name.Type, _ what: String) -> [Name] {
        list(node, path).enumerated().compactMap { index, item in
            identifier(item, "\(path)[\(index)]", type, what)
        }
    }

    /// A path of a file or folder, as seen from the configuration's own folder.
    func path(_ node: Node?, _ path: String) -> String? {
        text(node, path).map { FilePath.resolve($0, relativeTo: folder) }
    }

    /// A secret by reference.
    func secret(_ node: Node?, _ path: String) -> String? {
        guard let text = text(node, path) else { return nil }
        guard let reference = SecretReference(text) else {
            fail(node, path, "must be a reference, env:NAME or file:PATH; a secret does not belong into this file")
            return nil
        }
        switch reference.resolve(world, relativeTo: folder) {
        case .success(let secret): return secret
        case .failure(let problem):
            fail(node, path, problem.message)
            return nil
        }
    }

    /// Notes that a key is missing.
    func require<Value>(_ value: Value?, _ members: [String: Node], _ key: String, of node: Node, _ path: String)
        -> Value?
    {
        if value == nil, members[key] == nil { fail(node, path, "lacks the key \(key)") }
        return value
    }

    private func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
    }
}
