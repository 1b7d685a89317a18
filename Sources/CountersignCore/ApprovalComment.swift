/// What somebody said on an approval after it was asked for.
///
/// It stands beside the justification and never in its place, so that what an approver has read is still there. It
/// changes neither the action nor the gates, and no decision depends on it.
package struct ApprovalComment: Hashable, Sendable, Codable {
    /// Who said it.
    package let author: Actor
    /// Their words.
    package let text: String
    /// When.
    package let time: Timestamp

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

    /// How many an agent may add to one approval.
    package static let maximumPerApproval = 8

    /// Joins who, what and when.
    package init(by author: Actor, _ words: Words, at time: Timestamp) {
        self.init(by: author, text: words.text, at: time)
    }

    /// Takes over what an entry tells.
    init(by author: Actor, text: String, at time: Timestamp) {
        self.author = author
        self.text = text
        self.time = time
    }

    /// Whether it is the same author with the same words, byte for byte: an ask that came twice.
    func repeats(_ other: ApprovalComment) -> Bool {
        author == other.author && text.utf8.elementsEqual(other.text.utf8)
    }
}
