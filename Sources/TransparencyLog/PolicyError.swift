/// Why a witness policy was refused.
///
/// Descriptions never repeat what was refused, so they are safe to show to a stranger.
package enum PolicyError: Error, Hashable, Sendable {
    /// More witnesses are required than there are, or fewer than one of a group.
    case impossibleThreshold
    /// Two logs, or two witnesses, have the same public key or the same name and short hash.
    case repeatedKey
    /// A name is defined twice, or `none` is.
    case repeatedName
    /// A name is not defined on a line before, or is that of no witness or group.
    case unknownName
    /// A name is a member of two groups, or twice of one.
    case repeatedMember
    /// The line has no known keyword, or too few or too many items.
    case malformedLine
    /// The key of a log or witness is refused.
    case key(NoteError)
    /// A byte is a control character other than tab and newline.
    case controlCharacter
    /// The last line does not end with a newline.
    case missingNewline
    /// There is no quorum line.
    case missingQuorum
    /// There is more than one quorum line.
    case repeatedQuorum
    /// There are more lines of one kind than are read.
    case tooMany
    /// What is wrong with a line of a policy's text, counted from 1.
    indirect case line(Int, PolicyError)
}

extension PolicyError: CustomStringConvertible {
    /// What is wrong, in words for an operator.
    package var description: String {
        switch self {
        case .impossibleThreshold: "a threshold must be at least 1 and at most the number of members"
        case .repeatedKey: "two logs or two witnesses must not have the same key"
        case .repeatedName: "the name is defined twice, or is `none`, which is predefined"
        case .unknownName: "the name is not that of a witness or group defined on a line before"
        case .repeatedMember: "a witness or group can be a member only once, in one group"
        case .malformedLine:
            "expected `log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`, `group <name> all|any|<k> <name>...` or "
                + "`quorum <name>`"
        case .key(let error): "the key is refused: \(error)"
        case .controlCharacter: "there is a control character other than tab and newline"
        case .missingNewline: "the last line of the policy does not end with a newline"
        case .missingQuorum: "the policy has no quorum line; `quorum none` needs no cosignature"
        case .repeatedQuorum: "the policy has more than one quorum line"
        case .tooMany:
            "the policy has more logs, witnesses or groups than are read (\(TlogPolicy.maximumLines) of each)"
        case .line(let number, let error): "line \(number): \(error)"
        }
    }
}
