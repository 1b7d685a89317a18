import ArgumentParser
import CountersignCore
import CountersignServer

/// The command `countersign hook`.
struct HookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook",
        abstract: "Stands between a coding agent and its own tools.",
        subcommands: [ClaudeCode.self],
    )

    /// The command `countersign hook claude-code`.
    struct ClaudeCode: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "claude-code",
            abstract: "Claude Code's hook: PreToolUse asks before a tool runs, PostToolUse reports what came of it.",
            discussion: """
                It reads the event on standard input and asks the gateway on a connection of the kind hook. What policy \
                gates waits for people, --wait at most; let the hook's timeout in Claude Code's settings be 10 seconds \
                more, because Claude Code runs a tool whose hook did not answer in time. Whatever goes wrong is a denial: \
                as JSON with exit code 0, or with exit code 2 where the event cannot be read.
                """,
        )

        @Option(help: "The gateway's connection of the kind hook.")
        var connection = "claude-code"

        @Option(help: "How long people have: 50s, 5m.")
        var wait = "50s"

        @OptionGroup var gateway: GatewayOptions

        mutating func run() async throws {
            guard let bytes = await StandardStreams().readAll(upTo: 64 << 20), let event = HookEvent(bytes) else {
                throw Failure(.usage, "standard input is no event of Claude Code's; see docs/mcp-clients.md")
            }
            switch event {
            case .other: return
            case .before(let call):
                let decision: HookDecision
                do {
                    decision = await (try hook()).decide(call)
                } catch {
                    decision = .deny("Not executed, because the hook is not set up: \(error)")
                }
                Output.json(decision.json, isStream: true)
            case .after(let call, let succeeded, let interrupted):
                let problem = await (try hook()).report(call, succeeded: succeeded, interrupted: interrupted)
                if let problem { throw Failure(.failed, problem) }
            }
        }

        private func hook() throws -> CodingHook {
            guard let name = ConnectionName(connection) else {
                throw Failure(.usage, "\"\(connection)\" is not a connection's name")
            }
            guard let time = Duration(text: wait), time <= .seconds(3600) else {
                throw Failure(.usage, "\"\(wait)\" is not a time of at most 1h; write 50s or 5m")
            }
            return CodingHook(
                try gateway.access(),
                connection: name.rawValue,
                wait: time,
                records: HookRecords(),
            )
        }
    }
}
