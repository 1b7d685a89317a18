import CountersignCore

/// The searches, by class: what people, scripts and the dashboard ask.
enum Searches {
    /// Every class with its searches, the same in every run.
    static func all(from start: Timestamp, to end: Timestamp, size: Int) -> [(name: String, queries: [EntryQuery])] {
        let agents = Workload.agents.map { AgentID(unchecked: $0) }
        let users = Workload.users.map { UserID(unchecked: $0) }
        let connections = Workload.connections.map { ConnectionName(unchecked: $0) }
        let span = Double(end.microseconds - start.microseconds)
        func moment(_ part: Double) -> Timestamp { start.adding(.microseconds(Int64(span * part))) }
        func deep(_ part: Double) -> String { "\(Int(Double(size) * part))" }
        let words = ["invoice", "customer", "refund", "shipment", "quote", "contract", "ticket", "report", "coupon"]
        return [
            ("newest", [EntryQuery(), EntryQuery(limit: 200)]),
            ("deep pages", (1...20).map { EntryQuery(cursor: deep(Double($0) / 21)) }),
            ("kind", EntryKind.allCases.map { EntryQuery(kinds: [$0]) }),
            ("kind, deep", EntryKind.allCases.map { EntryQuery(kinds: [$0], cursor: deep(0.4)) }),
            ("agent", agents.map { EntryQuery(agent: $0) } + agents.map { EntryQuery(agent: $0, cursor: deep(0.3)) }),
            ("user", users.map { EntryQuery(user: $0) }),
            ("connection", connections.map { EntryQuery(connection: $0, cursor: deep(0.6)) }),
            ("effect", CountersignCore.Effect.allCases.map { EntryQuery(effects: [$0]) }),
            ("status", EntryStatus.allCases.map { EntryQuery(statuses: [$0]) }),
            (
                "agent, effect, status",
                agents.map { EntryQuery(agent: $0, effects: [.delete, .export], statuses: [.denied, .failed]) }
            ),
            (
                "user, connection, time",
                (0..<30).map { number in
                    EntryQuery(
                        user: users[number],
                        connection: connections[number % 4],
                        from: moment(Double(number) / 40),
                        to: moment(Double(number + 2) / 40),
                    )
                }
            ),
            ("nothing is so", agents.map { EntryQuery(kinds: [.policyChanged], agent: $0, effects: [.privilege]) }),
            ("absent names", (0..<20).map { EntryQuery(agent: AgentID(unchecked: "no-such-agent-\($0)")) }),
            ("common word", words.map { EntryQuery(text: $0) } + words.map { EntryQuery(text: $0, cursor: deep(0.5)) }),
            ("rare word", (1...30).map { EntryQuery(text: "T-\($0 * 2999)") }),
            ("path", (1...30).map { EntryQuery(text: "/v1/invoices/\($0 * 15_013)") }),
            ("address", (1...20).map { EntryQuery(text: "10.2.\($0).\($0 * 11)") }),
            ("absent word", (0..<20).map { EntryQuery(text: "zzyzx\($0)") }),
            (
                "two words",
                words.map { EntryQuery(text: "\($0) dashboard") } + words.map { EntryQuery(text: "\($0) refund") }
            ),
            ("words never together", words.map { EntryQuery(text: "\($0)s GET dashboard") }),
            ("beginnings", "abcdefghijklmnop0123456789".map { EntryQuery(text: "\($0)") }),
            (
                "beginning, nothing",
                "abcdef0123".map { EntryQuery(agent: agents[14], statuses: [.failed], text: "\($0)") }
            ),
            ("word and agent", agents.map { EntryQuery(agent: $0, text: "refund") }),
            (
                "everything",
                agents.map {
                    EntryQuery(
                        kinds: [.actionDenied],
                        agent: $0,
                        connection: connections[0],
                        from: moment(0.2),
                        text: "quote"
                    )
                }
            ),
        ]
    }
}
