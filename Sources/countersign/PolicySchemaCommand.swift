import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

extension PolicyCommand {
    /// The command `countersign policy schema`.
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the Cedar schema of agents, users, connections and actions.",
            discussion: """
                With --connection, calls of that MCP connection's tools have the arguments that the accepted definitions \
                have; with --tool, those of one tool:
                  countersign policy schema --tools countersign-data --connection files --tool delete_file
                Without, arguments are of no type, as they are to the gateway when it loads policies.

                With --json, the same text is a JSON string, the member schema. It is not Cedar's JSON form.
                """,
        )

        @OptionGroup var definitions: DefinitionOptions

        @Option(help: "Of this connection's tools.")
        var connection: String?

        @Option(help: "Of this one of its tools.")
        var tool: String?

        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            guard (definitions.source == nil) == (connection == nil) else {
                throw ValidationError(
                    "--connection and --tools go together: whose tools, and where their definitions are"
                )
            }
            guard tool == nil || connection != nil else {
                throw ValidationError("--tool needs --connection: the one that it is a tool of")
            }
        }

        mutating func run() throws {
            let text = try text()
            format.print(["schema": .string(text)]) { Output.line(text) }
        }

        private func text() throws -> String {
            guard let source = definitions.source, let connection, let definitions = try definitions.definitions()
            else {
                return PolicyVocabulary.schema
            }
            let all = definitions.tools(try configuration.load())
            let tools = all.filter { $0.name.connection.rawValue.utf8.elementsEqual(connection.utf8) }
            guard let first = tools.first else {
                throw Failure(.usage, "\(source) has no accepted definition of a tool of \(connection)")
            }
            guard let tool else { return PolicyVocabulary.schema(of: tools, on: first.name.connection) }
            guard let found = tools.first(where: { $0.name.tool.utf8.elementsEqual(tool.utf8) }) else {
                let names = tools.map(\.name.tool).joined(separator: ", ")
                let message = "no definition of \(connection)/\(tool) was accepted; there are \(names)"
                throw Failure(.usage, Output.safe(message))
            }
            return PolicyVocabulary.schema(of: found)
        }
    }
}
