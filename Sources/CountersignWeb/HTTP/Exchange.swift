import CanonicalJSON
import CountersignCore
import HTTPTypes

/// What every handler can use: what the control plane was given, and what it keeps itself.
struct WebParts: Sendable {
    /// What it was given.
    let dependencies: WebDependencies
    /// Waits that a shutdown must end.
    let waits: OpenWaits
    /// The pages' templates.
    let pages: PageTemplates
    /// Bounds what guesses of clients' secrets leave in the log.
    let guesses = GuessLimit()

    /// The pipeline.
    var enforcement: Enforcement { dependencies.enforcement }
    /// The ledger.
    var ledger: any Ledger { dependencies.ledger }
}

/// One request whose form has been checked: known caller, known parameters, a whole body.
struct Exchange: Sendable {
    /// What the handler can use.
    let parts: WebParts
    /// The method.
    let method: HTTPRequest.Method
    /// Path and query as they came.
    let target: String
    /// The header fields.
    let fields: HTTPFields
    /// Checked parameters of path, query and header fields.
    let parameters: [String: String]
    /// The query, for pages, which read it leniently.
    let query: FormFields
    /// The body.
    let body: [UInt8]
    /// Who sent it.
    let caller: Caller
    /// The credentials, to be checked again while a stream runs.
    let credentials: Credentials
    /// The caller's address.
    let source: String?
    /// When it came.
    let now: Timestamp
    /// The id that runs from here to the entry.
    let requestID: String

    /// The calling agent.
    func agent() throws(Problem) -> AgentID {
        guard case .agent(let id) = caller else {
            throw Problem(.notAllowed, "Only an agent, with its key, may do this.")
        }
        return id
    }

    /// The calling user.
    func user() throws(Problem) -> SignedInUser {
        guard case .user(let user) = caller else { throw Problem(.notAllowed, "Only a user may do this.") }
        return user
    }

    /// The calling client, if it is one.
    var client: DecisionClient? {
        guard case .client(let client) = caller else { return nil }
        return client
    }

    /// The agent to which what the caller sees is limited; `nil` for a user, who sees all.
    var onlyAgent: AgentID? {
        guard case .agent(let id) = caller else { return nil }
        return id
    }

    /// A checked number.
    func integer(_ name: String) -> Int? { parameters[name].flatMap { Int(strict: $0) } }

    /// The JSON body's members, of which only these are known; an empty body has none.
    func members(_ known: Set<String>) throws(Problem) -> BodyMembers {
        body.isEmpty ? BodyMembers() : try BodyMembers(try json(), known: known)
    }

    /// The JSON body.
    func json(allowingNoncharacters: Bool = true) throws(Problem) -> JSONValue {
        do {
            return try JSONParser.parse(body, limits: JSONLimits(allowsNoncharacters: allowingNoncharacters))
        } catch {
            throw Problem(.badRequest, "The body is not the JSON that is needed: \(error).")
        }
    }

    /// What surrounds an action that the caller asks for.
    func circumstances() throws(Problem) -> Circumstances {
        let justification = fields.single(.justification)
        return Circumstances(sourceAddress: source, justification: justification, requestID: requestID)
    }

    /// The approval in the path, as of now, if there is one that the caller may see.
    func approval() async throws -> Approval {
        guard let id = parameters["id"].flatMap({ ApprovalID(checking: $0) }) else { throw Problem(.notFound) }
        return try await approval(id)
    }

    /// An approval as of now, if there is one that the caller may see.
    func approval(_ id: ApprovalID) async throws -> Approval {
        guard var approval = try await parts.ledger.approval(id), isVisible(approval) else { throw Problem(.notFound) }
        if approval.isOverdue(now: parts.enforcement.clock.time()) {
            _ = try await parts.enforcement.settleIfDue(id)
            if let settled = try await parts.ledger.approval(id) { approval = settled }
        }
        return approval
    }

    private func isVisible(_ approval: Approval) -> Bool {
        switch caller {
        case .anonymous: false
        case .agent(let id): approval.agent == id
        case .user: true
        case .client(let client): client.isConcerned(by: approval, in: parts.enforcement.current.snapshot.directory)
        }
    }
}

extension Approval {
    /// Whether the clock has ended it and nobody has written that yet.
    func isOverdue(now: Timestamp) -> Bool {
        switch status {
        case .pending: now >= expiresAt
        case .approved: grantExpiresAt.map { now >= $0 } ?? false
        case .redeemed, .succeeded, .failed, .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: false
        }
    }
}
