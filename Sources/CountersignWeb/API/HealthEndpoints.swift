import CountersignCore
import HTTPTypes

/// Liveness, readiness and metrics.
enum HealthEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/healthz",
            .anyone,
            name: "getHealth",
            "Whether the process answers.",
            answers: [.other("text/plain", "It does.")],
        ) { _ in .text("ok\n") },
        Endpoint(
            .get,
            "/readyz",
            .anyone,
            name: "getReadiness",
            "Whether new work is taken on.",
            answers: [.other("text/plain", "It is.")],
            problems: [503],
        ) { exchange in
            guard exchange.parts.dependencies.isReady() else {
                let detail = "The gateway takes on no work now: its log cannot be written, or it is stopping."
                throw Problem(.overloaded, detail)
            }
            return .text("ready\n")
        },
        Endpoint(
            .get,
            "/metrics",
            .anyone,
            name: "getMetrics",
            "Numbers in the Prometheus text format.",
            answers: [.other("text/plain", "The numbers.")],
            problems: [503],
            run: metrics,
        ),
    ]

    @Sendable private static func metrics(_ exchange: Exchange) async throws -> Reply {
        let dependencies = exchange.parts.dependencies
        let statistics = try await dependencies.ledger.statistics()
        var text = PrometheusText()
        text.family("countersign_approvals", "gauge", "Approvals by status.")
        for status in ApprovalStatus.allCases {
            let count = statistics.approvals[status] ?? 0
            text.sample("countersign_approvals", count, label: ("status", status.rawValue))
        }
        text.family("countersign_log_entries_total", "counter", "Entries in the log.")
        text.sample("countersign_log_entries_total", Int(clamping: statistics.entries))
        if let searchable = statistics.searchable {
            let lag = statistics.entries - min(searchable, statistics.entries)
            text.family(
                "countersign_search_lag_entries",
                "gauge",
                "Entries that searches read because no index has them."
            )
            text.sample("countersign_search_lag_entries", Int(clamping: lag))
        }
        let log = dependencies.logStatus()
        text.family("countersign_log_checkpoint_entries", "gauge", "Entries that the newest checkpoint covers.")
        text.sample("countersign_log_checkpoint_entries", Int(clamping: log.newest?.size ?? 0))
        text.family("countersign_log_unsigned_entries", "gauge", "Durable entries that no checkpoint covers yet.")
        text.sample("countersign_log_unsigned_entries", Int(clamping: log.unsigned))
        text.family("countersign_log_signing", "gauge", "Whether the log can be signed.")
        text.sample("countersign_log_signing", log.trouble == nil ? 1 : 0)
        if let folder = log.folder {
            text.family("countersign_log_published_entries", "gauge", "Entries that the published folder covers.")
            text.sample("countersign_log_published_entries", Int(clamping: folder.size ?? 0))
        }
        add(log.witnesses, cosigned: log.cosigned, to: &text)
        text.family("countersign_waiting_holds", "gauge", "Requests that wait for an approval to change.")
        text.sample("countersign_waiting_holds", dependencies.ledger.feed.watching)
        text.exports(dependencies.logStatus().exports)
        text.channels(try await exchange.channelStandings(), now: exchange.now)
        text.family("countersign_ready", "gauge", "Whether new work is taken on.")
        text.sample("countersign_ready", dependencies.isReady() ? 1 : 0)
        text.family("countersign_build_info", "gauge", "The version that runs.")
        text.sample("countersign_build_info", 1, label: ("version", dependencies.version))
        return .text(text.text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
}

extension HealthEndpoints {
    /// How far the witnesses are; nothing where there are none.
    private static func add(_ witnesses: [LogStatus.Witness], cosigned: UInt64?, to text: inout PrometheusText) {
        guard !witnesses.isEmpty else { return }
        text.family(
            "countersign_cosigned_entries",
            "gauge",
            "Entries that a checkpoint with enough cosignatures covers."
        )
        text.sample("countersign_cosigned_entries", Int(clamping: cosigned ?? 0))
        let lag = "countersign_witness_lag_entries"
        text.family(lag, "gauge", "Signed entries that a witness has not cosigned.")
        for witness in witnesses { text.sample(lag, Int(clamping: witness.lag), label: ("witness", witness.name)) }
        let time = "countersign_witness_last_success_timestamp_seconds"
        text.family(time, "gauge", "When a witness cosigned last; 0 if it never did.")
        for witness in witnesses {
            let seconds = (witness.time?.microseconds ?? 0) / 1_000_000
            text.sample(time, Int(clamping: seconds), label: ("witness", witness.name))
        }
    }
}

/// The Prometheus text exposition format.
private struct PrometheusText {
    private(set) var text = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ value: Int, label: (String, String)? = nil) {
        let labels = label.map { "{\($0.0)=\"\(Self.escaped($0.1))\"}" } ?? ""
        text += "\(name)\(labels) \(value)\n"
    }

    mutating func exports(_ exports: [ExportStatus]) {
        guard !exports.isEmpty else { return }
        func seconds(_ duration: Duration) -> Int { Int(clamping: duration.components.seconds) }
        let families: [(String, String, String, (ExportStatus) -> Int)] = [
            ("lag_entries", "gauge", "Committed entries that are not delivered.", { Int(clamping: $0.lagEntries) }),
            ("lag_seconds", "gauge", "Age of the oldest entry that is not delivered.", { seconds($0.lagTime) }),
            ("delivered_total", "counter", "Entries delivered since the start.", { Int(clamping: $0.delivered) }),
            ("failures_total", "counter", "Failed tries since the start.", { Int(clamping: $0.failures) }),
        ]
        for (suffix, type, help, value) in families {
            let name = "countersign_export_" + suffix
            family(name, type, help)
            for export in exports { sample(name, value(export), label: ("export", export.name)) }
        }
    }

    mutating func channels(_ standings: [ChannelStanding], now: Timestamp) {
        guard !standings.isEmpty else { return }
        func seconds(_ duration: Duration) -> String { String(Double(duration.wholeMicroseconds) / 1_000_000) }
        let families: [(String, String, String, (ChannelStanding) -> String)] = [
            ("due", "gauge", "Notices that are due and not delivered.", { String($0.count.due) }),
            ("scheduled", "gauge", "Notices that are to be delivered later.", { String($0.count.scheduled) }),
            ("failed", "gauge", "Notices that the channel refused for good.", { String($0.count.failed) }),
            (
                "oldest_due_seconds", "gauge", "For how long the longest overdue notice has been due.",
                { seconds($0.count.oldestDue.map { max(.zero, now.since($0)) } ?? .zero) }
            ),
            (
                "delivered_total", "counter", "Notices delivered since the start.",
                { String($0.activity?.delivered ?? 0) }
            ),
            ("failures_total", "counter", "Failed attempts since the start.", { String($0.activity?.failures ?? 0) }),
        ]
        for (suffix, type, help, value) in families {
            let name = "countersign_notices_" + suffix
            family(name, type, help)
            for standing in standings { line(name, ("channel", standing.name.rawValue), value(standing)) }
        }
        let name = "countersign_notices_lateness_seconds"
        family(name, "summary", "How long after they were due notices were delivered, since the start.")
        for standing in standings {
            guard let activity = standing.activity else { continue }
            line(name + "_sum", ("channel", standing.name.rawValue), seconds(activity.totalLateness))
            line(name + "_count", ("channel", standing.name.rawValue), String(activity.delivered))
        }
    }

    private mutating func line(_ name: String, _ label: (String, String), _ value: String) {
        text += "\(name){\(label.0)=\"\(Self.escaped(label.1))\"} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
