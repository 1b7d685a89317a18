/// How strongly an approver must have proved presence.
package enum Assurance: String, Hashable, Sendable, Codable {
    /// A signed-in session or a bearer token.
    case session
    /// A passkey, touched for this decision.
    case passkey
}

/// Where in the policy files something stands.
package struct PolicyPosition: Hashable, Sendable, Codable {
    /// The file's name, relative to the policy folder.
    package let file: String
    /// 1-based.
    package let line: Int
    /// 1-based, in Unicode scalars.
    package let column: Int

    /// Names a position.
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// A policy that stops an action unless humans lift it (DESIGN 3).
package struct Gate: Hashable, Sendable, Codable {
    /// The policy's `@id`, or its generated id.
    package let policy: String
    /// The groups whose members may decide; ``quorum`` distinct users are needed from each.
    package let approvers: [GroupName]
    /// How many distinct users of each group must approve; at least 1.
    package let quorum: Int
    /// When a pending approval ends; `nil` takes the configuration's default.
    package let expires: Duration?
    /// Within which time an approved action must start.
    package let grant: Duration
    /// How approvers must prove presence.
    package let assurance: Assurance
    /// A sentence for the approver.
    package let advice: String?
    /// The policy's source text.
    package let text: String
    /// Where it stands.
    package let position: PolicyPosition

    /// Makes a gate.
    package init(
        policy: String,
        approvers: [GroupName],
        quorum: Int = 1,
        expires: Duration? = nil,
        grant: Duration = .seconds(300),
        assurance: Assurance = .session,
        advice: String? = nil,
        text: String = "",
        position: PolicyPosition = PolicyPosition(file: "", line: 1, column: 1),
    ) {
        self.policy = policy
        self.approvers = approvers
        self.quorum = quorum
        self.expires = expires
        self.grant = grant
        self.assurance = assurance
        self.advice = advice
        self.text = text
        self.position = position
    }

    /// Whether a user with these groups may decide for this gate.
    package func accepts(groups: some Collection<GroupName>) -> Bool {
        approvers.contains { groups.contains($0) }
    }

    /// How many more approvals this gate needs, given those that were made.
    ///
    /// Every group needs ``quorum`` users, and one person fills one place only, however many groups they are in: the
    /// places are matched to people (Kuhn's augmenting paths), so nobody's vote is wasted on the wrong group.
    package func missing(_ approvals: [Decision]) -> Int {
        let voters = approvals.filter { $0.verdict == .approve && accepts(groups: $0.groups) }
        let places = approvers.flatMap { group in repeatElement(group, count: quorum) }
        var holder = [Int?](repeating: nil, count: places.count)
        func seat(_ voter: Int, _ visited: inout Set<Int>) -> Bool {
            for (place, group) in places.enumerated()
            where voters[voter].groups.contains(group) && !visited.contains(place) {
                visited.insert(place)
                if let current = holder[place], !seat(current, &visited) { continue }
                holder[place] = voter
                return true
            }
            return false
        }
        var seated = Set<UserID>()
        for voter in voters.indices where !seated.contains(voters[voter].user) {
            var visited = Set<Int>()
            if seat(voter, &visited) { seated.insert(voters[voter].user) }
        }
        return holder.count { $0 == nil }
    }

    /// Whether the approvals lift this gate.
    package func isMet(by approvals: [Decision]) -> Bool { missing(approvals) == 0 }
}

/// One user's approve or deny on an approval, with a reason.
package struct Decision: Hashable, Sendable, Codable {
    /// What a user can say.
    package enum Verdict: String, Hashable, Sendable, Codable {
        /// Let it run.
        case approve
        /// Stop it; one is enough.
        case deny
    }

    /// Who decided.
    package let user: UserID
    /// The user's groups at that time.
    package let groups: [GroupName]
    /// What they said.
    package let verdict: Verdict
    /// Why, in the user's words.
    package let reason: String
    /// When.
    package let time: Timestamp
    /// Through what: `api`, `dashboard`, `local-administrator`.
    package let channel: String
    /// The digest of the action that they judged.
    package let actionDigest: ActionDigest
    /// The digest of what they were shown.
    package let previewDigest: ActionDigest
    /// How they had proved presence.
    package let assurance: Assurance

    /// Makes a decision.
    package init(
        user: UserID,
        groups: [GroupName],
        verdict: Verdict,
        reason: String,
        time: Timestamp,
        channel: String,
        actionDigest: ActionDigest,
        previewDigest: ActionDigest,
        assurance: Assurance = .session,
    ) {
        self.user = user
        self.groups = groups
        self.verdict = verdict
        self.reason = reason
        self.time = time
        self.channel = channel
        self.actionDigest = actionDigest
        self.previewDigest = previewDigest
        self.assurance = assurance
    }

    /// The decision as far as its user is still in the groups.
    func limited(to current: [GroupName]) -> Decision {
        Decision(
            user: user,
            groups: groups.filter { current.contains($0) },
            verdict: verdict,
            reason: reason,
            time: time,
            channel: channel,
            actionDigest: actionDigest,
            previewDigest: previewDigest,
            assurance: assurance,
        )
    }
}
