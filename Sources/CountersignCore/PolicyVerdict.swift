import CanonicalJSON
package import Cedar

/// Policy's answer about one action.
package struct PolicyVerdict: Hashable, Sendable {
    /// The three answers.
    package enum Answer: Hashable, Sendable {
        /// Go on.
        case allow
        /// No, and no human can lift it.
        case deny([Reason])
        /// Not unless every one of these gates is lifted.
        case gated([Gate])
    }

    /// The answer.
    package let answer: Answer
    /// The ids of the policies that brought it about.
    package let policies: [String]
    /// The policies that could not be evaluated, as `id: message`.
    package let errors: [String]

    /// Puts a verdict together.
    package init(answer: Answer, policies: [String], errors: [String]) {
        self.answer = answer
        self.policies = policies
        self.errors = errors
    }
}

extension GatedPolicySet {
    /// Judges every operation of an action: deny if any is denied, otherwise the union of gates (DESIGN 3).
    package func judge(
        _ action: Action,
        _ circumstances: Circumstances,
        directory: Directory,
        now: Timestamp,
    ) -> PolicyVerdict {
        var tally = Tally()
        eachRequest(of: action, circumstances, directory: directory, now: now) { request, entities in
            tally.add(authorizer.rule(request, entities), of: self)
        }
        return tally.verdict(self)
    }

    /// Lends the Cedar request of every operation of an action, with the entities that it is asked about.
    func eachRequest(
        of action: Action,
        _ circumstances: Circumstances,
        directory: Directory,
        now: Timestamp,
        _ body: (Request, LayeredEntities) -> Void,
    ) {
        let context = PolicyContext.record(of: action, circumstances, now: now)
        let connection = EntityUID.connection(action.connection)
        let labels = directory.entities.entity(connection)?.tags ?? .empty
        for operation in action.operations {
            let resource = EntityUID(type: operation.resource.type, id: operation.resource.id)
            let request = Request(
                principal: .agent(action.agent),
                action: EntityUID(type: "Action", id: operation.action),
                resource: resource,
                context: context,
            )
            let overlay = resource == connection ? [] : [Entity(uid: resource, tags: labels, parents: [connection])]
            body(request, LayeredEntities(base: directory.entities, overlay: overlay))
        }
    }

    /// Whether some ask like this one could be allowed, be it under approvals: whatever else its context may be.
    package func couldAllow(_ action: Action, directory: Directory, now: Timestamp) -> Bool {
        var isPossible = !action.operations.isEmpty
        eachRequest(of: action, Circumstances(), directory: directory, now: now) { request, entities in
            guard isPossible else { return }
            let evaluation = possibilities.evaluate(request, entities)
            let policies = possibilities.policies
            let isForbidden =
                evaluation.satisfied.contains { policies[$0].effect == .forbid }
                || evaluation.errors.contains { policies[$0.policy].effect == .forbid }
            isPossible = !isForbidden && evaluation.satisfied.contains { policies[$0].effect == .permit }
        }
        return isPossible
    }

    /// Whether an agent could be allowed anything on a connection, or on what is in it; true where that is not certain.
    package func couldAllowAnything(_ agent: AgentID, on connection: ConnectionName, directory: Directory) -> Bool {
        let uid = EntityUID.connection(connection)
        let request = Request(
            principal: .agent(agent),
            action: EntityUID(type: "Action", id: "mcp:read"),
            resource: uid,
            context: Record([]),
        )
        let evaluation = openings.set.evaluate(request, LayeredEntities(base: directory.entities, overlay: []))
        let policies = openings.set.policies
        if evaluation.satisfied.contains(where: { policies[$0].effect == .forbid }) { return false }
        let within = connection.rawValue + "/"
        return evaluation.satisfied.contains { index in
            guard policies[index].effect == .permit else { return false }
            switch openings.resources[index] {
            case .any, .isType: return true
            case .equal(let named): return named == uid || named.id.string.hasPrefix(within)
            case .within(let named), .isTypeWithin(_, let named):
                return named == uid || named.id.string.hasPrefix(within)
                    || directory.entities.entity(uid)?.parents.isEmpty == false
            }
        }
    }

    /// Judges one plain Cedar request as actions are judged; for trying policies out.
    package func judge(_ request: Request, entities: Entities) -> PolicyVerdict {
        var tally = Tally()
        tally.add(authorizer.rule(request, entities), of: self)
        return tally.verdict(self)
    }

    /// Whether policy lets a user decide on an approval.
    ///
    /// Gates say who may; a plain `forbid` can only narrow that.
    package func mayApprove(
        _ user: User,
        _ approval: Approval,
        _ action: Action,
        directory: Directory,
        now: Timestamp,
    ) -> Bool {
        let (request, entities) = approveRequest(user, approval, action, directory: directory, now: now)
        let evaluation = policies.evaluate(request, entities)
        // A gate on every action in an environment must not gate the lifting of gates.
        let forbidden = evaluation.satisfied.contains { policies.policies[$0].effect == .forbid && gates[$0] == nil }
        let erred = evaluation.errors.contains { policies.policies[$0.policy].effect == .forbid }
        return !forbidden && !erred
    }

    /// The Cedar request of a user's decision, with the entities that it is asked about.
    func approveRequest(
        _ user: User,
        _ approval: Approval,
        _ action: Action,
        directory: Directory,
        now: Timestamp,
    ) -> (Request, LayeredEntities) {
        let uid = EntityUID(type: "Approval", id: approval.id.rawValue)
        let connection = EntityUID.connection(approval.connection)
        let entity = Entity(
            uid: uid,
            attributes: Record([
                ("agent", .entity(.agent(approval.agent))), ("action", Value(approval.action)),
            ]),
            tags: directory.entities.entity(connection)?.tags ?? .empty,
            parents: [connection],
        )
        let request = Request(
            principal: .user(user.id),
            action: PolicyVocabulary.approve,
            resource: uid,
            context: PolicyContext.record(of: action, approval.circumstances, now: now),
        )
        return (request, LayeredEntities(base: directory.entities, overlay: [entity]))
    }
}

/// What the operations judged so far add up to.
private struct Tally {
    private var permits = [Int]()
    private var forbids = [Int]()
    private var gated = [Int]()
    private var broken = [Int]()
    private var errors = [String]()
    private var unpermitted = false

    mutating func add(_ ruling: Ruling, of set: GatedPolicySet) {
        switch ruling.answer {
        case .allow: Self.insert(ruling.determining, into: &permits)
        case .liftable: Self.insert(ruling.determining, into: &gated)
        case .deny where ruling.determining.isEmpty: unpermitted = true
        case .deny: Self.insert(ruling.determining, into: &forbids)
        }
        Self.insert(ruling.brokenForbids, into: &broken)
        for failure in ruling.errors {
            let text = "\(set.policies.policies[failure.policy].id): \(failure.error)"
            if !errors.contains(text) { errors.append(text) }
        }
    }

    func verdict(_ set: GatedPolicySet) -> PolicyVerdict {
        func ids(_ indices: [Int]) -> [String] { indices.map { set.policies.policies[$0].id } }
        if !forbids.isEmpty || !broken.isEmpty {
            let reasons =
                ids(forbids).map { Reason(.forbidden, "The policy \($0) forbids this action.", policy: $0) }
                + ids(broken).map {
                    Reason(.policyError, "The policy \($0) could not be evaluated, so the answer is no.", policy: $0)
                }
            return PolicyVerdict(answer: .deny(reasons), policies: ids(forbids + broken), errors: errors)
        }
        if unpermitted {
            let reason = Reason(.noPermit, "No policy permits this action.")
            return PolicyVerdict(answer: .deny([reason]), policies: [], errors: errors)
        }
        if !gated.isEmpty {
            return PolicyVerdict(
                answer: .gated(gated.compactMap { set.gates[$0] }),
                policies: ids(gated),
                errors: errors,
            )
        }
        return PolicyVerdict(answer: .allow, policies: ids(permits), errors: errors)
    }

    private static func insert(_ more: PolicyIndices, into indices: inout [Int]) {
        for index in more where !indices.contains(index) { indices.append(index) }
    }
}
