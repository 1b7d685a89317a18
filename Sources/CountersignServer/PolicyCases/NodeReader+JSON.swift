import CanonicalJSON
import Yams

extension NodeReader {
    /// A node as JSON: plain `true`, `false`, `null` and numbers are what they look like, all other scalars are texts.
    func json(_ node: Node?, _ path: String, depth: Int = 0) -> JSONValue? {
        guard let node else { return nil }
        converted += 1
        guard depth < 64, converted <= 1_000_000 else {
            fail(node, path, depth < 64 ? "has too many parts" : "is nested more than 64 deep")
            return nil
        }
        switch node {
        case .scalar(let scalar): return Self.json(scalar)
        case .sequence(let items):
            var values = [JSONValue]()
            for (index, item) in items.enumerated() {
                guard let value = json(item, "\(path)[\(index)]", depth: depth + 1) else { return nil }
                values.append(value)
            }
            return .array(values)
        case .mapping(let mapping):
            var members = [(String, JSONValue)]()
            for (key, item) in mapping {
                guard let name = key.scalar?.string else {
                    fail(key, path, "has a key that is not text")
                    return nil
                }
                guard let value = json(item, "\(path).\(name)", depth: depth + 1) else { return nil }
                members.append((name, value))
            }
            return .object(JSONObject(members))
        case .alias:
            fail(node, path, "is an alias of something that is not there")
            return nil
        }
    }

    private static func json(_ scalar: Node.Scalar) -> JSONValue {
        let text = scalar.string
        guard scalar.style == .plain else { return .string(text) }
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null", "~", "": return .null
        default: break
        }
        // JSON's own numbers only, so that neither 1_000 nor 0x10 nor 010 is one.
        guard let value = try? JSONParser.parse(text, limits: JSONLimits(numbers: .int64)) else { return .string(text) }
        switch value {
        case .integer, .number: return value
        case .null, .bool, .string, .array, .object: return .string(text)
        }
    }
}
