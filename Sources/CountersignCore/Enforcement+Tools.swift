import CanonicalJSON

extension Enforcement {
    /// The id of the gate that stands before every tool whose definition nobody has accepted.
    package static let definitionGate = "tool-definition-changed"
    /// So many tools of a first list are accepted; what is beyond waits for a person.
    private static let mostAtFirst = 2000

    // MARK: listing

    /// Takes note of what a server lists, and accepts it where this is the first list and the configuration says so.
    ///
    /// Where the ledger cannot write, nothing is accepted, and the answer to calls is no.
    package func toolsListed(_ listed: [ListedTool], on connection: ConnectionName) async {
        let now = clock.time()
        tools.note(listed, of: connection, at: now)
        guard current.snapshot.directory.connections[connection]?.tools?.mode == .firstUse,
            !tools.hasAccepted(of: connection)
        else { return }
        var names = Set<ToolName>()
        let first = listed.filter { names.insert(ToolName(connection, $0.name)).inserted }.prefix(Self.mostAtFirst)
        let accepted = first.map { AcceptedTool($0, on: connection, by: .gateway, at: now) }
        guard !accepted.isEmpty else { return }
        // Of two first lists one wins; what only the other has is new, and waits.
        guard (try? await accept(accepted.map { ToolAcceptance($0, previous: nil) })) == false else { return }
        // The winner may not have told the book yet, and the loser's call is judged next.
        if let kept = try? await ledger.acceptedTools() { tools.learn(kept) }
    }

    /// Whether they are accepted; false if compare-and-set lost.
    private func accept(_ changes: [ToolAcceptance]) async throws(LedgerError) -> Bool {
        let drafts = changes.map { entries.accepted($0) }
        guard case .committed = try await ledger.commit(Commit(entries: drafts, tools: changes)) else { return false }
        tools.accept(changes.map(\.accepted))
        return true
    }

    // MARK: accepting

    /// Whether a user may accept a connection's definitions: the local administrator, and who is in a group of its
    /// `reviewers`.
    package func mayAccept(_ user: SignedInUser, on connection: ConnectionName) -> Bool {
        if user.isLocalAdministrator { return true }
        let directory = current.snapshot.directory
        let groups = directory.users[user.user.id]?.groups ?? []
        return directory.connections[connection]?.tools?.reviewers.contains { groups.contains($0) } ?? false
    }

    /// Accepts the definition that the server lists now, if it is the one that the user saw.
    package func acceptTool(
        _ name: ToolName,
        digest: ActionDigest,
        by user: SignedInUser,
    ) async -> Result<ToolStanding, Reason> {
        guard let standing = tools.standing(name) else {
            return .failure(Reason(.notFound, "No server has listed a tool of this name."))
        }
        guard mayAccept(user, on: name.connection) else {
            return .failure(
                Reason(
                    .notAllowed,
                    "Only the local administrator and the groups of the connection's reviewers may accept definitions.",
                )
            )
        }
        guard let listed = standing.listed else {
            return .failure(
                Reason(.wrongState, "The server does not list this tool now, so there is nothing to accept.")
            )
        }
        guard listed.digest == digest else {
            return .failure(
                Reason(
                    .digestMismatch,
                    "The server lists another definition by now. Look at that one, and decide again."
                )
            )
        }
        if standing.accepted?.digest == digest { return .success(standing) }
        let actor = Actor.user(user.user.id, via: user.via)
        let accepted = AcceptedTool(listed, on: name.connection, by: actor, at: clock.time())
        do {
            guard try await accept([ToolAcceptance(accepted, previous: standing.accepted?.digest)]) else {
                return .failure(
                    Reason(.alreadyDecided, "Somebody else has accepted a definition just now. Look again.")
                )
            }
            return tools.standing(name).map { .success($0) } ?? .failure(Reason(.notFound, "The tool has gone."))
        } catch {
            return .failure(error.reason)
        }
    }

    // MARK: judging

    /// Adds what nobody can configure away: a call of a tool whose definition nobody has accepted needs a reviewer.
    ///
    /// Both judgments ask this, the one at the ask and the one before the dispatch (DESIGN 2).
    func heedingDefinition(_ verdict: PolicyVerdict, of action: Action, _ snapshot: Snapshot) -> PolicyVerdict {
        guard let review = snapshot.directory.connections[action.connection]?.tools,
            action.details["method"]?.stringValue == "tools/call", let tool = action.details["tool"]?.stringValue
        else { return verdict }
        let accepted = tools.accepted(ToolName(action.connection, tool))?.digest.rawValue
        let atHand = action.details["definition"]?.stringValue
        if let accepted, accepted == atHand { return verdict }
        let gates: [Gate]
        switch verdict.answer {
        case .deny: return verdict
        case .allow: gates = []
        case .gated(let found): gates = found
        }
        // A group without members cannot lift a gate; then it is better to say so at once.
        guard !review.reviewers.isEmpty, review.reviewers.allSatisfy(snapshot.directory.groups.contains) else {
            let reason = Reason(.toolNotAccepted, ReasonCode.toolNotAccepted.explanation)
            return PolicyVerdict(answer: .deny([reason]), policies: [], errors: verdict.errors)
        }
        let gate = Gate(
            policy: Self.definitionGate,
            approvers: review.reviewers,
            advice:
                "Nobody has accepted the tool's definition as it is now. Compare it with the accepted one (page Tools).",
            text: """
                // Built into the gateway: a call of a tool whose definition nobody has accepted needs the connection's
                // reviewers, whatever policy says.
                // Accepted: \(accepted ?? "none")
                // At hand:  \(atHand ?? "none")
                """,
            position: PolicyPosition(file: "built-in", line: 1, column: 1),
        )
        return PolicyVerdict(
            answer: .gated(gates + [gate]),
            policies: gates.map(\.policy) + [gate.policy],
            errors: verdict.errors,
        )
    }
}

extension EntryWriter {
    /// `configuration.changed`: another definition of a tool is the accepted one.
    package func accepted(_ change: ToolAcceptance) -> EntryDraft {
        let accepted = change.accepted
        return EntryDraft(
            .configurationChanged,
            time: accepted.at,
            actor: accepted.by,
            connection: accepted.connection,
            members: [
                (
                    "tool_definition",
                    .object(
                        JSONObject([
                            ("connection", .string(accepted.connection.rawValue)),
                            ("digest", .string(accepted.digest.rawValue)),
                            ("previous", change.previous.map { .string($0.rawValue) } ?? .null),
                            ("tool", .string(accepted.tool)),
                        ])
                    )
                )
            ],
        )
    }
}
