/// What somebody said on an approval after it was asked for: the agent that asked, or a person.
///
/// It stands beside the justification and never in its place, so that what an approver has read is still there. It
/// changes neither the action nor the gates, and no decision depends on it.
package struct ApprovalComment: Hashable, Sendable, Codable {
    /// Who said it.
    package let author: Author
    /// Their words.
    package let text: String
    /// When.
    package let time: Timestamp

    /// Who says something; nobody else has a way to.
    package enum Author: Hashable, Sendable {
        /// The agent that asked.
        case agent(AgentID)
        /// A person, and through what they spoke: `dashboard`, `local-administrator`, a channel.
        case user(UserID, via: String)
    }

    /// Words that somebody has for an approval: something to read, and no longer than a justification.
    package struct Words: Hashable, Sendable {
        /// The text, exactly as it was given.
        package let text: String

        /// How many characters there may be.
        package static let maximumLength = 1000

        /// Takes a text; `nil` if it is blank or too long.
        package init?(_ text: String) {
            guard text.unicodeScalars.count <= Self.maximumLength,
                !text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
            else { return nil }
            self.text = text
        }

        /// What a text must be, for whoever gave another.
        package static let demand = "a text of 1 to \(maximumLength) characters that is not blank"
    }

    /// How many an agent may add to one approval, beside one for each that people make.
    package static let maximumOfAgent = 8
    /// How many one person may make on one approval.
    package static let maximumOfPerson = 16
    /// How many all people may make on one approval.
    package static let maximumOfPeople = 32

    /// Joins who, what and when.
    package init(by author: Author, _ words: Words, at time: Timestamp) {
        self.init(by: author, text: words.text, at: time)
    }

    /// Takes over what an entry tells.
    init(by author: Author, text: String, at time: Timestamp) {
        self.author = author
        self.text = text
        self.time = time
    }

    /// Whether it is the same author with the same words, byte for byte.
    private func repeats(_ other: ApprovalComment) -> Bool {
        author.isSame(as: other.author) && text.utf8.elementsEqual(other.text.utf8)
    }

    /// Whether its author has said the same since anybody else spoke: an ask that came twice.
    ///
    /// An answer may be the same to two questions, so what was said before the last one is no repetition.
    func repeatsLast(of comments: [ApprovalComment]) -> Bool {
        comments.reversed().prefix { $0.author.isSame(as: author) }.contains(where: repeats)
    }

    /// Whether the approval takes another one of its author's.
    func fits(into comments: [ApprovalComment]) -> Bool {
        let own = comments.count { $0.author.isSame(as: author) }
        let people = comments.count(where: \.author.isPerson)
        return switch author {
        case .agent: own < Self.maximumOfAgent + people
        case .user: own < Self.maximumOfPerson && people < Self.maximumOfPeople
        }
    }
}

extension ApprovalComment.Author: Codable {
    /// Reads who acted; `nil` if that is neither an agent nor a user who spoke through something.
    package init?(_ actor: Actor) {
        switch (actor.type, actor.via) {
        case ("Agent", nil):
            guard let agent = AgentID(actor.id) else { return nil }
            self = .agent(agent)
        case ("User", let via?):
            guard let user = UserID(actor.id), !via.isEmpty else { return nil }
            self = .user(user, via: via)
        default: return nil
        }
    }

    /// The author as entries name who acts.
    package var actor: Actor {
        switch self {
        case .agent(let id): .agent(id)
        case .user(let id, let via): .user(id, via: via)
        }
    }

    /// Whether it is a person.
    package var isPerson: Bool {
        switch self {
        case .agent: false
        case .user: true
        }
    }

    /// Whether both are the same agent or the same person, through whatever they speak.
    func isSame(as other: Self) -> Bool {
        switch (self, other) {
        case (.agent(let one), .agent(let two)): one == two
        case (.user(let one, _), .user(let two, _)): one.isSamePerson(as: two)
        case (.agent, .user), (.user, .agent): false
        }
    }

    /// Reads the form of an actor, as records have always had it.
    package init(from decoder: any Decoder) throws {
        let actor = try Actor(from: decoder)
        guard let author = Self(actor) else {
            let problem = "\(actor.type) is nobody who comments"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem))
        }
        self = author
    }

    /// Writes the form of an actor.
    package func encode(to encoder: any Encoder) throws { try actor.encode(to: encoder) }
}

extension Approval {
    /// What people have said since the agent spoke last: what it may have to answer.
    package var unanswered: [ApprovalComment] {
        (comments ?? []).reversed().prefix(while: \.author.isPerson).reversed()
    }
}
