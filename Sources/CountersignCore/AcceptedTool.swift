/// A tool's definition as its server lists it now, ready to be compared with what people have accepted.
package struct ListedTool: Hashable, Sendable {
    /// The tool's name, with its server.
    package let name: String
    /// The definition, canonical: all of it that a model or a person may see or be led by.
    package let text: String
    /// The digest of ``text``.
    package let digest: ActionDigest
    /// What in it deceives a reader, hidden characters above all, in words.
    package let warnings: [String]

    /// Takes a definition's canonical bytes.
    package init(name: String, canonical bytes: [UInt8], warnings: [String] = []) {
        self.name = name
        text = String(decoding: bytes, as: UTF8.self)
        digest = ActionDigest(of: bytes)
        self.warnings = warnings
    }
}

/// A tool's definition that was accepted: until another one is, only this one is shown to agents and may be called.
package struct AcceptedTool: Hashable, Sendable, Codable {
    /// The connection whose tool it is.
    package let connection: ConnectionName
    /// The tool's name.
    package let tool: String
    /// The definition, canonical.
    package let text: String
    /// The digest of ``text``; entries name it.
    package let digest: ActionDigest
    /// Who accepted it; the gateway itself where the first list that it saw was taken as it was.
    package let by: Actor
    /// When.
    package let at: Timestamp

    /// Records an acceptance.
    package init(_ listed: ListedTool, on connection: ConnectionName, by actor: Actor, at time: Timestamp) {
        self.connection = connection
        tool = listed.name
        text = listed.text
        digest = listed.digest
        by = actor
        at = time
    }
}

/// The change by which a definition becomes the accepted one.
package struct ToolAcceptance: Hashable, Sendable {
    /// What is accepted.
    package let accepted: AcceptedTool
    /// The digest that was accepted before; the commit loses if it is another one by now.
    package let previous: ActionDigest?

    /// The tool.
    package var name: ToolName { ToolName(accepted.connection, accepted.tool) }

    /// Describes a change.
    package init(_ accepted: AcceptedTool, previous: ActionDigest?) {
        self.accepted = accepted
        self.previous = previous
    }
}

/// How a connection's tool definitions come to be accepted.
package struct ToolReview: Hashable, Sendable {
    /// What is accepted without a person.
    package enum Mode: String, Hashable, Sendable, CaseIterable {
        /// The first list that the gateway sees; after it, nothing.
        case firstUse = "first-use"
        /// Nothing.
        case review
    }

    /// What is accepted without a person.
    package let mode: Mode
    /// The groups whose members may accept definitions, and approve calls of tools that nobody has accepted.
    package let reviewers: [GroupName]

    /// Describes a way.
    package init(mode: Mode = .firstUse, reviewers: [GroupName] = []) {
        self.mode = mode
        self.reviewers = reviewers
    }
}

/// A tool of a connection by its bytes: Swift takes canonically equivalent strings for equal, and servers do not.
package struct ToolName: Hashable, Sendable, Comparable {
    /// The connection.
    package let connection: ConnectionName
    /// The tool's name.
    package var tool: String { String(decoding: bytes, as: UTF8.self) }
    private let bytes: [UInt8]

    /// Names a tool.
    package init(_ connection: ConnectionName, _ tool: String) {
        self.connection = connection
        bytes = Array(tool.utf8)
    }

    /// By connection, then by the bytes of the tool's name.
    package static func < (left: ToolName, right: ToolName) -> Bool {
        guard left.connection == right.connection else { return left.connection < right.connection }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
