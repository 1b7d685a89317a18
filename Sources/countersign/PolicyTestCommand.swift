import ArgumentParser
import CanonicalJSON
import Cedar
import CountersignCore
import CountersignServer

extension PolicyCommand {
    /// The command `countersign policy test`.
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs the cases that stand beside the policies, in *.test.yaml files.",
            discussion: """
                A case is a request and the answer that policy must give:
                  cases:
                    - name: deleting an order is held
                      request: {agent: bot, connection: orders-api, method: DELETE, path: /7}
                      expect: {decision: gated, gates: [deletes-need-a-dba]}
                docs/policy.md tells every key.

                Prints one line for each case that fails, and the policies that no case reached. Exits with 0 if all \
                cases pass, with 1 if one fails, and with 2 if a file cannot be used.
                """,
        )

        @Argument(
            help: "Files of cases, or folders with policies and cases; the configuration's folder if none are given."
        )
        var paths: [String] = []

        @Option(help: "Try these policies, a file or folder, whatever the cases are about; may be repeated.")
        var policies: [String] = []

        @OptionGroup var definitions: DefinitionOptions
        @OptionGroup var groups: GroupOptions
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let plan = try PolicyTrial.Plan(
                paths: paths,
                policies: policies.isEmpty ? nil : policies,
                groups: try groups.names(),
                configuration: try configuration.load(),
                definitions: try definitions.definitions(),
            )
            guard !plan.targets.isEmpty else {
                let places = paths.isEmpty ? plan.configuration.policies : paths.joined(separator: ", ")
                throw Failure(.usage, "there are no cases: no *.test.yaml in \(places)")
            }
            let trial = try PolicyTrial(plan)
            let failed = trial.failed
            let value: JSONValue = [
                "cases": .array(trial.results.map(Self.json)), "failed": .integer(Int64(failed.count)),
                "passed": .integer(Int64(trial.results.count - failed.count)),
                "unexercised": .array(
                    trial.unexercised.map { ["policy": .string($0.id), "position": .string("\($0.position)")] }
                ),
            ]
            format.print(value) { Self.tell(trial) }
            if !failed.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
        }

        private static func tell(_ trial: PolicyTrial) {
            for result in trial.failed {
                let found = result.policyCase
                for difference in result.differences {
                    Output.line(Output.safe("\(found.file):\(found.line): \(found.name): \(difference)"))
                }
            }
            let unexercised = trial.unexercised
            for policy in unexercised {
                Output.line(Output.safe("\(policy.position): no case reaches the policy \(policy.id)"))
            }
            let failed = trial.failed.count
            Output.line("\(trial.results.count - failed) passed, \(failed) failed")
        }

        private static func json(_ result: PolicyCaseResult) -> JSONValue {
            let found = result.policyCase
            return [
                "differences": .array(result.differences.map { .string($0) }), "file": .string(found.file),
                "got": VerdictText.json(result.verdict), "line": .integer(Int64(found.line)),
                "name": .string(found.name), "passed": .bool(result.isPassed),
            ]
        }
    }
}

/// Groups named on the command line.
struct GroupOptions: ParsableArguments {
    @Option(help: "A group that there is, beside those of the configuration; may be repeated.")
    var group: [String] = []

    /// The groups' names.
    func names() throws -> Set<GroupName> {
        Set(
            try group.map { text in
                guard let name = GroupName(text) else { throw ValidationError("--group \(text) is not a group's name") }
                return name
            }
        )
    }
}

/// Policy's answers for people and for programs.
enum VerdictText {
    /// A verdict for programs.
    static func json(_ verdict: PolicyVerdict) -> JSONValue {
        var object = JSONObject([
            ("decision", .string(verdict.kind.rawValue)), ("errors", .array(verdict.errors.map { .string($0) })),
            ("policies", .array(verdict.policies.map { .string($0) })),
        ])
        switch verdict.answer {
        case .allow: break
        case .deny(let reasons): object["reasons"] = .array(reasons.map { .string($0.code.rawValue) })
        case .gated(let gates): object["gates"] = .array(gates.map(EntryWriter.gate))
        }
        return .object(object)
    }
}
