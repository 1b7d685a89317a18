import CountersignCore

/// A word with a colour: a status, an effect, a kind of entry.
struct Pill {
    /// The word.
    let text: Markup
    /// The class of the style sheet: good, bad, wait, calm, grave.
    let tone: Markup

    /// A status.
    init(_ status: ApprovalStatus) {
        text = Markup(status.rawValue)
        tone =
            switch status {
            case .pending: Markup("wait")
            case .approved, .redeemed: Markup("info")
            case .succeeded: Markup("good")
            case .failed, .unknown, .denied, .revoked: Markup("bad")
            case .expired, .withdrawn, .lapsed: Markup("calm")
            }
    }

    /// An effect; what can do harm stands out.
    init(_ effect: Effect) {
        text = Markup(effect.rawValue)
        tone =
            switch effect {
            case .read: Markup("calm")
            case .write, .execute: Markup("info")
            case .export: Markup("wait")
            case .delete, .privilege, .infrastructure, .unknown: Markup("grave")
            }
    }

    /// The effect in an action's name, `http:delete`.
    init(action name: String) {
        let parts = name.split(separator: ":")
        self.init(parts.count == 2 ? Effect(rawValue: String(parts[1])) ?? .unknown : .unknown)
    }

    /// A word of our own.
    init(_ word: String, tone: String) {
        text = Markup(word)
        self.tone = Markup(tone)
    }

    /// How many entries somebody is behind, with words for none and for some.
    init(lag: UInt64, none: String, some: String) {
        self.init(lag == 0 ? none : "\(lag) \(some)", tone: lag == 0 ? "good" : "wait")
    }

    /// A kind of entry; one that this version does not know stands as it is.
    init(kind name: String) {
        text = VisibleText.line(name)
        guard let kind = EntryKind(rawValue: name) else {
            tone = Markup("calm")
            return
        }
        tone =
            switch kind {
            case .actionAllowed, .actionCompleted: Markup("good")
            case .actionDenied, .channelRefused: Markup("bad")
            case .approvalRequested: Markup("wait")
            case .approvalDecided, .approvalCommented, .approvalSettled, .actionDispatched: Markup("info")
            case .policyChanged, .configurationChanged, .identityChanged, .sessionStarted, .sessionEnded,
                .noticeReplayed,
                .channelChanged:
                Markup("calm")
            case .payloadErased: Markup("grave")
            }
    }
}
