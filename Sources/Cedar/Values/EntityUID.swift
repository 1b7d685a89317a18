/// The name of an entity type, with its namespace: `Photos::Album`.
package struct EntityTypeName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as one text, parts joined by `::`.
    package let name: CedarString

    /// Wraps a name; it is not checked to be a valid one.
    package init(_ name: String) { self.name = CedarString(name) }

    /// Wraps a literal.
    package init(stringLiteral value: StaticString) { self.init(value.description) }

    /// Whether it is a type of actions: `Action`, in whatever namespace.
    package var isAction: Bool {
        let bytes = self.name.string.utf8
        return bytes.elementsEqual("Action".utf8) || bytes.suffix(8).elementsEqual("::Action".utf8)
    }

    /// A hash of the name.
    var fingerprint: Int {
        var hasher = Hasher()
        hasher.combine(self.name)
        return hasher.finalize()
    }

    /// The name as Cedar writes it.
    package var description: String { self.name.string }
}

/// The identity of an entity: its type and its id, `User::"alice"`.
///
/// One reference wide; its hash is computed once. Two are equal when type and id are, byte for byte.
package struct EntityUID: Hashable, Sendable, CustomStringConvertible {
    private let storage: Storage

    /// Joins a type (which is not checked to be a valid name) and an id.
    package init(type: String, id: String) {
        self.init(type: EntityTypeName(type), id: CedarString(id))
    }

    /// Joins a type and an id.
    package init(type: EntityTypeName, id: CedarString) {
        self.storage = Storage(type: type, id: id)
    }

    /// The entity's type.
    package var type: EntityTypeName { self.storage.type }

    /// The entity's id within its type.
    package var id: CedarString { self.storage.id }

    /// A hash of type and id, computed when the identity was made.
    var fingerprint: Int { self.storage.fingerprint }

    /// A hash of the type, computed when the identity was made.
    var typeFingerprint: Int { self.storage.typeFingerprint }

    /// Bytewise equality of type and id.
    package static func == (left: EntityUID, right: EntityUID) -> Bool {
        if left.storage === right.storage { return true }
        return left.storage.fingerprint == right.storage.fingerprint && left.storage.id == right.storage.id
            && left.storage.type == right.storage.type
    }

    /// Feeds the precomputed hash.
    package func hash(into hasher: inout Hasher) { hasher.combine(self.storage.fingerprint) }

    /// The identity as Cedar text, with the id escaped.
    package var description: String { "\(self.type)::\(CedarText.quoted(self.id.string))" }

    private final class Storage: Sendable {
        let type: EntityTypeName
        let id: CedarString
        let fingerprint: Int
        let typeFingerprint: Int

        init(type: EntityTypeName, id: CedarString) {
            self.type = type
            self.id = id
            self.typeFingerprint = type.fingerprint
            var hasher = Hasher()
            hasher.combine(self.typeFingerprint)
            hasher.combine(id)
            self.fingerprint = hasher.finalize()
        }
    }
}
