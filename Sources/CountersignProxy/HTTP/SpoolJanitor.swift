import CountersignCore

/// Removes spooled bodies and kept responses that nothing will ask for again.
///
/// It follows the changes of approvals; what a crash or a full stream leaves is looked for at start-up.
struct SpoolJanitor: Sendable {
    let context: GatewayContext

    /// Follows changes, until cancelled.
    func run() async {
        let changes = context.enforcement.ledger.feed.changes()
        for await approval in changes { await tidy(approval) }
    }

    private func tidy(_ approval: Approval) async {
        let spool = context.settings.spool
        if approval.status.isFinal { await SpoolFile.remove("\(spool)/body-\(approval.id)") }
        // Asks that wait beside the one that got the result still read the file; the last of them removes it.
        guard approval.delivered, !context.results.isAttended(approval.id) else { return }
        await SpoolFile.remove("\(spool)/response-\(approval.id)")
    }

    /// Before the gateway listens: looks at every file that belongs to an approval, and removes what belongs to nothing.
    func sweep() async {
        let spool = context.settings.spool
        for name in await SpoolFile.names(in: spool) {
            let parts = name.split(separator: "-", maxSplits: 1)
            guard parts.count == 2, parts[0] == "body" || parts[0] == "response", let id = ApprovalID(String(parts[1]))
            else {
                // A body that was being received when the gateway stopped.
                await SpoolFile.remove("\(spool)/\(name)")
                continue
            }
            // A ledger that cannot answer keeps its files.
            guard let known = try? await context.enforcement.ledger.approval(id) else { continue }
            await tidy(known)
        }
    }
}
