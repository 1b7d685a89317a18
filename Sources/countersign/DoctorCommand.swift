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

    /// What the running server says of its channels.
    private func channels(_ access: ControlAccess) async -> [(String, Bool, String)] {
        guard !access.configuration.channels.isEmpty || access.isServerNamed else { return [] }
        let items: [JSONValue]
        do {
            items = try await access.caller().value("GET", "/v1/channels")["items"]?.arrayValue ?? []
        } catch {
            return [("channels", true, "the server was not asked how they stand: \(error)")]
        }
        return items.flatMap { item -> [(String, Bool, String)] in
            let name = item.cell("name")
            let trouble = item["trouble"]?.stringValue.map { "; the latest trouble: \(Output.safe($0))" } ?? ""
            var findings = [(String, Bool, String)]()
            switch item["state"]?.stringValue {
            case "failing":
                findings.append(
                    ("channel \(name)", false, "its latest attempt failed, and it goes on trying\(trouble)")
                )
            case "unconfigured":
                let text = "notices are kept for it, and the configuration does not name it; restore it, or let them be"
                findings.append(("channel \(name)", false, text))
            default: break
            }
            if let count = item["failed"]?.integerValue, count > 0 {
                let text =
                    "\(count == 1 ? "1 notice has" : "\(count) notices have") failed\(trouble); see `countersign channels "
                    + "notices --state failed`, mend it, and send them again with `countersign channels replay --failed`"
                findings.append(("channel \(name)", false, text))
            }
            return findings
        }
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
                return [("server", answer.isSuccess, text)] + (answer.isSuccess ? await channels(access) : [])
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
