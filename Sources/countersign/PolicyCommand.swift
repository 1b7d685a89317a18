import ArgumentParser
import CanonicalJSON
import Cedar
import CountersignCore
import CountersignServer

/// The command `countersign policy`.
struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Checks, tests and tries policies, and prints the schema that they are written against.",
        subcommands: [Init.self, Check.self, Test.self, Evaluate.self, Diff.self, Schema.self],
    )

    /// The command `countersign policy evaluate`.
    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says what policy answers to one request.",
            discussion: """
                Either an action document, judged as the gateway does:
                  countersign policy evaluate --request action.json
                or one Cedar request:
                  countersign policy evaluate --principal 'Agent::"a"' --action 'Action::"http:read"' \
                --resource 'Endpoint::"api/x"'
                Exits with 0 for allow, 1 for deny and 7 for an action that would be held.

                Or a batch of Cedar requests, one JSON object a line, answered with one a line, in order:
                  countersign policy evaluate --batch requests.ndjson
                docs/policy.md tells the members of both. Paths in it are seen from the current folder. Exits with 0 if \
                every line got an answer, whatever it is.
                """,
        )

        @Option(help: "A file with an action document.")
        var request: String?

        @Option(help: "With --request: the moment, RFC 3339; now if not given.")
        var time: String?

        @Option(help: "With --request: where the agent's connection comes from.")
        var sourceAddress: String?

        @Option(help: "With --request: why the agent says that it does this.")
        var justification: String?

        @Option(help: "The principal, Agent::\"x\".")
        var principal: String?

        @Option(help: "The action, Action::\"http:read\".")
        var action: String?

        @Option(help: "The resource, Endpoint::\"connection/name\".")
        var resource: String?

        @Option(help: "A file with the context, JSON; the request has nothing else in its context.")
        var context: String?

        @Option(help: "A file with entities in Cedar's JSON form, beside those of the configuration.")
        var entities: String?

        @Option(help: "A file with requests, one JSON object a line; - for standard input.")
        var batch: String?

        @OptionGroup var policies: PolicyOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            guard batch != nil else { return }
            let others = [request, principal, action, resource, context, entities, policies.paths.first]
            if others.contains(where: { $0 != nil }) {
                throw ValidationError("--batch stands alone: each line names its own policies, entities and request")
            }
        }

        mutating func run() async throws {
            if let batch { return try PolicyBatch.answer(batch) }
            let directory = try policies.directory()
            let set = try GatedPolicySet(
                parsing: try policies.sources(),
                groups: try policies.groups(),
                ownVocabulary: request != nil,
            )
            let verdict: PolicyVerdict
            if let request {
                let action: Action
                do {
                    action = try Action(document: try Self.json(request))
                } catch let error as ActionError {
                    throw Failure(.usage, "\(request): \(error.path) \(error.message)")
                }
                let circumstances = Circumstances(sourceAddress: sourceAddress, justification: justification)
                verdict = set.judge(action, circumstances, directory: directory, now: try moment())
            } else {
                let request = try cedarRequest()
                verdict = set.judge(request, entities: try allEntities(directory, request.resource))
            }
            let status = Self.status(verdict.kind)
            format.print(VerdictText.json(verdict)) { Self.tell(verdict) }
            if status != .done { throw ExitCode(status.rawValue) }
        }

        private func moment() throws -> Timestamp {
            guard let time else { return SystemClock().time() }
            guard let moment = Timestamp(rfc3339: time) else {
                throw ValidationError("--time \(time) is not a time such as 2026-07-01T12:00:00Z")
            }
            return moment
        }

        private func cedarRequest() throws -> Request {
            guard let principal, let action, let resource else {
                throw ValidationError("give --request FILE, or --principal, --action and --resource")
            }
            var record = Record.empty
            if let context {
                guard case .object(let object) = try Self.json(context) else {
                    throw Failure(.usage, "\(context) must hold a JSON object")
                }
                record = try Self.labelled(context) { try Record(json: object) }
            }
            return Request(
                principal: try Self.labelled("--principal") { try EntityUID(parsing: principal) },
                action: try Self.labelled("--action") { try EntityUID(parsing: action) },
                resource: try Self.labelled("--resource") { try EntityUID(parsing: resource) },
                context: record,
            )
        }

        /// The entities of the configuration and those given; a resource `connection/name` lies in its connection.
        private func allEntities(_ directory: Directory, _ resource: EntityUID) throws -> Entities {
            var more = [Entity]()
            if let entities {
                more = try Self.labelled(entities) { try Entity.list(json: try Self.json(entities)) }
            }
            return try directory.entities(with: more, resource: resource)
        }

        private static func labelled<Value>(_ what: String, _ body: () throws -> Value) throws -> Value {
            do {
                return try body()
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(.usage, "\(what): \(error)")
            }
        }

        private static func json(_ path: String) throws -> JSONValue {
            switch LocalFile.read(path) {
            case .failure(let problem): throw Failure(.usage, "cannot read \(path): \(problem.message)")
            case .success(let bytes):
                return try labelled(path) { try JSONParser.parse(bytes, limits: JSONLimits(numbers: .int64)) }
            }
        }

        private static func status(_ kind: PolicyVerdict.Kind) -> ExitStatus {
            switch kind {
            case .allow: .done
            case .deny: .failed
            case .gated: .held
            }
        }

        private static func tell(_ verdict: PolicyVerdict) {
            Output.line(verdict.kind.rawValue)
            switch verdict.answer {
            case .allow: for id in verdict.policies { Output.line("  permitted by \(Output.safe(id))") }
            case .deny(let reasons):
                for reason in reasons { Output.line("  \(reason.code.rawValue): \(Output.safe(reason.message))") }
            case .gated(let gates):
                for gate in gates {
                    let groups = gate.approvers.map(\.rawValue).joined(separator: ", ")
                    Output.line(
                        "  held by \(Output.safe(gate.policy)), which needs \(gate.quorum) of each of: \(groups)"
                    )
                }
            }
            for error in verdict.errors { Output.line("  error: \(Output.safe(error))") }
        }
    }

}

/// Which policies, and who is there for them.
struct PolicyOptions: ParsableArguments {
    @Argument(help: "Policy files or folders; the configuration's folder if none are given.")
    var paths: [String] = []

    @OptionGroup var group: GroupOptions
    @OptionGroup var configuration: ConfigurationOptions

    /// The policy files.
    func sources() throws -> [PolicySource] {
        try PolicyFolder.sources(of: paths.isEmpty ? [try load().policies] : paths)
    }

    /// Everybody whom the configuration declares.
    func directory() throws -> Directory { try load().declaredDirectory() }

    /// The groups that there are.
    func groups() throws -> Set<GroupName> { try directory().groups.union(try group.names()) }

    private func load() throws -> Configuration { try configuration.load() }

    /// What the configuration declares; `nil` where none is found, or where groups are made up.
    func knownDirectory() throws -> Directory? {
        let loaded = try load()
        guard !loaded.file.isEmpty, group.group.isEmpty else { return nil }
        return try loaded.declaredDirectory()
    }
}
