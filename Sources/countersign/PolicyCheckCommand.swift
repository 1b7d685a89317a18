import ArgumentParser
import CanonicalJSON
import Cedar
import CountersignCore
import CountersignServer

extension PolicyCommand {
    /// The command `countersign policy check`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks policies; every error and every warning with file, line and column.",
            discussion: """
                Errors are what the gateway would refuse the set for: syntax, annotations, names that there never are, types \
                that do not fit. Warnings are what is surely not meant: a policy that never applies, that another one \
                makes pointless, or a gate that too few people could lift.

                With --tools also: what a policy asks of a call that does not fit the arguments of an MCP tool, as its \
                accepted definition has them, and tools that there are not.
                  countersign policy check --tools countersign-data
                  countersign tools list --definitions --json | countersign policy check --tools -

                Exits with 0 if the set would load, with 2 if not, and with 1 for warnings under --strict.
                """,
        )

        @Flag(help: "Fail for warnings, too.")
        var strict = false

        @OptionGroup var definitions: DefinitionOptions
        @OptionGroup var policies: PolicyOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let tools = try definitions.definitions()?.tools(try policies.configuration.load())
            let sources = try policies.sources()
            let groups = try policies.groups()
            let set: GatedPolicySet
            do {
                set = try GatedPolicySet(parsing: sources, groups: groups)
            } catch {
                let items = error.errors.map(Self.json)
                format.print(["errors": .array(items), "valid": false, "warnings": []]) {
                    for item in error.errors { Output.error(Output.safe(item.description)) }
                }
                throw ExitCode(ExitStatus.usage.rawValue)
            }
            let warnings = set.warnings(try policies.knownDirectory(), tools: tools ?? [])
            let gates = set.gates.count { $0 != nil }
            let value: JSONValue = [
                "errors": [], "files": .integer(Int64(sources.count)), "gates": .integer(Int64(gates)),
                "policies": .integer(Int64(set.gates.count)), "valid": true, "version": .string(set.version),
                "warnings": .array(warnings.map(Self.json)),
            ]
            format.print(value) {
                for warning in warnings { Output.line(Output.safe(warning.description)) }
                Output.line("valid: \(set.gates.count) policies, \(gates) of them gates; files: \(sources.count)")
                Output.line("version \(set.version)")
            }
            if strict, !warnings.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
        }

        private static func json(_ warning: PolicyWarning) -> JSONValue {
            [
                "code": .string(warning.code.rawValue),
                "column": warning.position.map { .integer(Int64($0.column)) } ?? .null,
                "file": warning.position.map { .string($0.file) } ?? .null,
                "line": warning.position.map { .integer(Int64($0.line)) } ?? .null,
                "message": .string(warning.message), "policy": .string(warning.policy),
            ]
        }

        private static func json(_ error: PolicyError) -> JSONValue {
            [
                "column": .integer(Int64(error.position.column)), "file": .string(error.position.file),
                "hint": error.hint.map { .string($0) } ?? .null, "line": .integer(Int64(error.position.line)),
                "message": .string(error.message),
            ]
        }
    }
}
