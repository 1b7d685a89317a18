import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

/// The command `countersign doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what would keep the server from working, and says how to mend it.",
        discussion: "Exits with 0 if nothing is wrong, and with 1 otherwise. It changes nothing.",
    )

    @OptionGroup var access: AccessOptions
    @OptionGroup var format: FormatOptions

    mutating func run() async throws {
        let findings = await Examination.run(
            file: access.configuration.config ?? "countersign.yaml",
            isNamed: access.configuration.config != nil,
        )
        var all = findings.map { ($0.name, $0.isGood, $0.message) }
        all += await server()
        let isGood = all.allSatisfy(\.1)
        let items = all.map { finding -> JSONValue in
            ["check": .string(finding.0), "message": .string(finding.2), "ok": .bool(finding.1)]
        }
        format.print(["checks": .array(items), "ok": .bool(isGood)]) {
            for (name, isGood, message) in all { Output.line("\(isGood ? "ok  " : "BAD ")  \(name): \(message)") }
        }
        if !isGood { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private func server() async -> [(String, Bool, String)] {
        do {
            let access = try access.access()
            do {
                let answer = try await access.anyone().send("GET", "/readyz", timeout: .seconds(5))
                let text =
                    switch answer.status {
                    case 200: "runs and is ready"
                    case 503: "runs, but takes on no work: it is stopping, or its ledger cannot be written"
                    default: "something else answers at its address (status \(answer.status) to /readyz)"
                    }
                return [("server", answer.isSuccess, text)]
            } catch let error as UnreachableError {
                if access.isServerNamed { return [("server", false, "\(error)")] }
                let ports = Examination.ports(access.configuration).map { ($0.name, $0.isGood, $0.message) }
                return [("server", true, "does not run here: \(error)")] + ports
            }
        } catch {
            return [("server", false, "\(error)")]
        }
    }
}
