import CanonicalJSON

/// Replays a whole log, entry by entry, into what the state tables must say.
///
/// It keeps the approvals that have not ended, and who is who; an approval that has ended is handed over to be compared
/// and then forgotten, so that memory does not grow with the log.
package struct StateReplay: Sendable {
    /// What an entry did to the approvals.
    package enum Step: Sendable {
        /// Nothing that concerns them.
        case none
        /// It began one, the so-many-th of the log, from 1.
        case requested(ApprovalID, number: Int64)
        /// It went on.
        case went
        /// It ended one; nothing can change its fields any more.
        case ended(ApprovalReplay)
        /// It changes nothing and belongs to an approval that must have ended before.
        case belated(ApprovalID)
    }

    /// The approvals that have not ended.
    package private(set) var open: [ApprovalID: ApprovalReplay] = [:]
    /// How many were asked for.
    package private(set) var requested: Int64 = 0
    /// Who is who.
    package private(set) var identity = IdentityReplay()
    /// Which definitions of tools are accepted.
    package private(set) var tools = ToolReplay()
    /// Approvals of which an entry was refused; the later ones say nothing new.
    private var broken: Set<ApprovalID> = []

    /// The state before the first entry.
    package init() {}

    /// Takes the next entry of the log.
    package mutating func take(_ entry: ToldEntry) throws(ReplayError) -> Step {
        guard let id = entry.approval else {
            try identity.take(entry)
            try tools.take(entry)
            return .none
        }
        guard entry.kind != .actionAllowed else { throw ReplayError("what was allowed needs no approval") }
        if broken.contains(id) { return .none }
        do throws(ReplayError) {
            return try take(entry, of: id)
        } catch {
            // The rest of this story would be refused for the same reason.
            if open.removeValue(forKey: id) != nil { broken.insert(id) }
            throw error
        }
    }

    private mutating func take(_ entry: ToldEntry, of id: ApprovalID) throws(ReplayError) -> Step {
        if entry.kind == .approvalRequested {
            guard open[id] == nil else { throw ReplayError("it asks for the approval \(id) a second time") }
            requested += 1
            open[id] = try ApprovalReplay(entry)
            return .requested(id, number: requested)
        }
        guard open[id] != nil else {
            guard entry.kind == .actionDenied || entry.members["accepted"]?.boolValue == false else {
                throw ReplayError(
                    "\(entry.kind.rawValue) cannot follow: the approval \(id) was not asked for, or had ended before"
                )
            }
            return .belated(id)
        }
        try open[id]?.take(entry)
        guard let replay = open[id], replay.status.isFinal else { return .went }
        open[id] = nil
        return .ended(replay)
    }
}
