import ArgumentParser
import CanonicalJSON
import Cedar
import CountersignCore
import CountersignServer

extension PolicyCommand {
    /// The command `countersign policy diff`.
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says which recorded actions another policy set would decide otherwise.",
            discussion: """
                  countersign policy diff policies drafts --against countersign-data

                Judges every action of the log by the old set and by the new one, under today's agents, users and \
                connections, at the time and from the address that it had.

                --against takes a data folder, whose ledger is read beside the running server and not changed; or a file \
                of what `countersign log export` printed, or of action documents, one a line. Without it, the command \
                only says which policies differ.

                Exits with 0 if no action is decided otherwise (without --against: if the sets are the same), with 1 if \
                some are, and with 2 if that cannot be told.
                """,
        )

        @Argument(help: "The old policies: a file or a folder.")
        var old: String

        @Argument(help: "The new policies: a file or a folder.")
        var new: String

        @Option(help: "A data folder, or a file with recorded actions; - for standard input.")
        var against: String?

        @Option(help: "How many actions to show for each change.")
        var examples = 3

        @OptionGroup var filter: RecordFilterOptions
        @OptionGroup var groups: GroupOptions
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let configuration = try configuration.load()
            let records = try against.map { try ActionRecords(path: $0, configuration: configuration) }
            let directory = try records?.directory(configuration) ?? configuration.declaredDirectory()
            let groups = directory.groups.union(try groups.names())
            let (old, new) = (try set(self.old, groups, isOld: true), try set(self.new, groups, isOld: false))
            let difference = PolicySetChange(old.policies, new.policies)
            var comparison = PolicyComparison(old, new, directory: directory, examples: max(0, examples))
            try records?.each(try filter.filter(), now: SystemClock().time()) { record in
                switch record {
                case .success(let action): comparison.take(action)
                case .failure(let gap): comparison.skip(gap)
                }
            }
            let report = PolicyDiffReport(old, new, difference, records == nil ? nil : comparison)
            format.print(report.json) { report.tell() }
            if records != nil, comparison.judged == 0 {
                throw Failure(.usage, "nothing in \(against ?? "") could be judged, so nothing is known of the change")
            }
            if records == nil ? !difference.isEmpty : comparison.changed > 0 {
                throw ExitCode(ExitStatus.failed.rawValue)
            }
        }

        /// A set; the groups, types and attributes that the old one names need not be there any more.
        private func set(_ path: String, _ groups: Set<GroupName>, isOld: Bool) throws -> GatedPolicySet {
            let sources = try PolicyFolder.sources(of: [path])
            guard !sources.isEmpty else { throw Failure(.usage, "there is no .cedar file in \(path)") }
            var groups = groups
            if isOld {
                for policy in try PolicySet(parsing: sources, idsFromAnnotations: true).policies {
                    for name in (policy.annotation("approvers") ?? "").split(separator: ",") {
                        if let group = GroupName(String(name.filter { $0 != " " })) { groups.insert(group) }
                    }
                }
            }
            // What was in force is judged as it is, even where today's schema would not take it.
            return try GatedPolicySet(parsing: sources, groups: groups, ownVocabulary: !isOld)
        }
    }
}

/// What `countersign policy diff` found, for people and for programs.
struct PolicyDiffReport {
    private let old: GatedPolicySet
    private let new: GatedPolicySet
    private let difference: PolicySetChange
    private let comparison: PolicyComparison?

    init(
        _ old: GatedPolicySet,
        _ new: GatedPolicySet,
        _ difference: PolicySetChange,
        _ comparison: PolicyComparison?,
    ) {
        self.old = old
        self.new = new
        self.difference = difference
        self.comparison = comparison
    }

    /// Prints it.
    func tell() {
        for policy in difference.added { Output.line(Output.safe("+ \(policy.id) (\(policy.position))")) }
        for policy in difference.removed { Output.line(Output.safe("- \(policy.id) (\(policy.position))")) }
        for (before, after) in difference.changed {
            Output.line(Output.safe("~ \(after.id) (\(after.position))"))
            Self.tell(before.canonicalText, after.canonicalText)
        }
        if difference.isEmpty { Output.line("The policies are the same.") }
        guard let comparison else { return }
        let changes = comparison.sorted
        var last: (PolicyVerdict.Kind, PolicyVerdict.Kind)?
        for change in changes {
            if last ?? (.allow, .allow) != (change.before, change.after) {
                let count = changes.filter { ($0.before, $0.after) == (change.before, change.after) }
                    .reduce(0) { $0 + $1.count }
                Output.line("\n\(change.before.rawValue) → \(change.after.rawValue): \(count)")
                last = (change.before, change.after)
            }
            Output.line(Output.safe("  \(change.count) × old: \(change.oldReason)"))
            let indent = String(repeating: " ", count: "\(change.count)".count + 5)
            Output.line(Output.safe("\(indent)new: \(change.newReason)"))
            for example in change.examples { Output.line(Output.safe("      " + Self.text(example))) }
        }
        Output.line("")
        for (gap, count) in comparison.gaps.sorted(by: { ($0.value, $1.key.message) > ($1.value, $0.key.message) }) {
            Output.line(Output.safe("not judged: \(count), because \(gap.message)"))
        }
        Output.line("\(comparison.judged) actions judged, \(comparison.changed) decided otherwise")
    }

    /// It as JSON.
    var json: JSONValue {
        func place(_ policy: Policy) -> JSONValue {
            ["policy": .string(policy.id), "position": .string("\(policy.position)")]
        }
        var object = JSONObject([
            (
                "policies",
                [
                    "added": .array(difference.added.map(place)),
                    "changed": .array(
                        difference.changed.map { before, after in
                            [
                                "new": .string(after.canonicalText), "old": .string(before.canonicalText),
                                "policy": .string(after.id), "position": .string("\(after.position)"),
                            ]
                        }
                    ),
                    "removed": .array(difference.removed.map(place)),
                ]
            ),
            ("versions", ["new": .string(new.version), "old": .string(old.version)]),
        ])
        guard let comparison else { return .object(object) }
        object["changes"] = .array(comparison.sorted.map(Self.json))
        object["judged"] = .integer(Int64(comparison.judged))
        object["changed"] = .integer(Int64(comparison.changed))
        object["not_judged"] = .array(
            comparison.gaps.map { gap, count in
                ["count": .integer(Int64(count)), "reason": .string(gap.message)]
            }
        )
        return .object(object)
    }

    private static func json(_ change: PolicyComparison.Change) -> JSONValue {
        [
            "count": .integer(Int64(change.count)),
            "examples": .array(
                change.examples.map { example in
                    var object = JSONObject([
                        ("action", .string(example.action.name)), ("agent", .string(example.action.agent.rawValue)),
                        ("resource", .string(example.action.operations.first?.resource.id ?? "")),
                        ("time", .string(example.time.rfc3339)),
                    ])
                    object["entry"] = example.sequence.map { .integer(Int64($0)) }
                    return .object(object)
                }
            ),
            "new": [
                "decision": .string(change.after.rawValue),
                "policies": .array(change.newPolicies.map { .string($0) }), "text": .string(change.newReason),
            ],
            "old": [
                "decision": .string(change.before.rawValue),
                "policies": .array(change.oldPolicies.map { .string($0) }), "text": .string(change.oldReason),
            ],
        ]
    }

    private static func text(_ example: RecordedAction) -> String {
        let entry = example.sequence.map { "entry \($0)  " } ?? ""
        let resource = example.action.operations.first?.resource.id ?? ""
        return "\(entry)\(example.time.rfc3339)  \(example.action.agent)  \(example.action.name)  \(resource)"
    }

    /// The lines that differ, old ones first; what both begin or end with is left out.
    private static func tell(_ before: String, _ after: String) {
        let (before, after) = (before.split(separator: "\n"), after.split(separator: "\n"))
        let same = zip(before, after).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        let tail = zip(before.dropFirst(same).reversed(), after.dropFirst(same).reversed())
            .prefix { $0.utf8.elementsEqual($1.utf8) }.count
        for line in before.dropFirst(same).dropLast(tail) { Output.line(Output.safe("    - \(line)")) }
        for line in after.dropFirst(same).dropLast(tail) { Output.line(Output.safe("    + \(line)")) }
    }
}
