import CanonicalJSON
import CountersignCore

/// The members of a JSON body, read strictly: an unknown one or one of another type is an error that names it.
struct BodyMembers: Sendable {
    private let object: JSONObject

    /// No members.
    init() { object = JSONObject() }

    /// Takes an object whose members must all be known.
    init(_ value: JSONValue, known: Set<String>) throws(Problem) {
        guard case .object(let object) = value else { throw Problem(.badRequest, "The body must be a JSON object.") }
        for member in object.members where !known.contains(member.key) {
            let names = known.sorted().joined(separator: ", ")
            throw Problem(.badRequest, "The body has an unknown member. Known are: \(names.isEmpty ? "none" : names).")
        }
        self.object = object
    }

    /// A text of at most so many characters, if it is there.
    func text(_ name: String, atMost limit: Int) throws(Problem) -> String? {
        guard let value = object[name] else { return nil }
        guard case .string(let text) = value, text.unicodeScalars.count <= limit else {
            throw Problem(.badRequest, "\(name) must be a string of at most \(limit) characters.")
        }
        return text
    }

    /// An object, if it is there.
    func object(_ name: String) throws(Problem) -> JSONObject? {
        guard let value = object[name] else { return nil }
        guard case .object(let members) = value else { throw Problem(.badRequest, "\(name) must be an object.") }
        return members
    }

    /// A list of objects that must be there, of at least one and at most so many.
    func objects(_ name: String, atMost limit: Int) throws(Problem) -> [JSONObject] {
        guard case .array(let items)? = object[name], (1...limit).contains(items.count) else {
            throw Problem(.badRequest, "\(name) must be a list of 1 to \(limit) objects.")
        }
        return try items.map { item throws(Problem) in
            guard case .object(let members) = item else {
                throw Problem(.badRequest, "Every item of \(name) must be an object.")
            }
            return members
        }
    }

    /// An integer in a range, if it is there.
    func integer(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let value = object[name] else { return nil }
        // JSON has one kind of number: 3.0 is as good as 3.
        let number = value.integerValue ?? value.doubleValue.flatMap { Int64(exactly: $0) }
        guard let number, range.contains(number) else {
            throw Problem(
                .badRequest,
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return number
    }

    /// A text that a type accepts, if it is there.
    func parsed<Value>(_ name: String, _ what: String, _ parse: (String) -> Value?) throws(Problem) -> Value? {
        guard let value = object[name] else { return nil }
        guard let parsed = value.stringValue.flatMap(parse) else {
            throw Problem(.badRequest, "\(name) must be \(what).")
        }
        return parsed
    }

    /// A text that a type accepts and that must be there.
    func required<Value>(_ name: String, _ what: String, _ parse: (String) -> Value?) throws(Problem) -> Value {
        guard let value = try parsed(name, what, parse) else {
            throw Problem(.badRequest, "\(name) is missing; it must be \(what).")
        }
        return value
    }

    /// A list of texts that a type accepts, if it is there.
    func list<Value>(_ name: String, _ what: String, _ parse: (String) -> Value?) throws(Problem) -> [Value]? {
        guard let value = object[name] else { return nil }
        guard case .array(let items) = value, items.count <= 100 else {
            throw Problem(.badRequest, "\(name) must be a list of at most 100 items.")
        }
        var parsed = [Value]()
        for item in items {
            guard let element = item.stringValue.flatMap(parse) else {
                throw Problem(.badRequest, "Every item of \(name) must be \(what).")
            }
            parsed.append(element)
        }
        return parsed
    }
}
