import Foundation

/// A real gateway, as a process of its own in a folder of its own.
struct RunningGateway {
    /// The API's address.
    let url: String
    private let folder: URL

    static let key = "cs_0123456789abcdefghijklmnopqrstuvwxyz"

    private static let configuration = """
        data: ./data
        policies: ./policies
        listen: {control: "127.0.0.1:0", gateway: "127.0.0.1:0"}
        log: {origin: client.example.com/log}
        connections:
          - name: orders
            kind: http
            upstream: http://127.0.0.1:1
            labels: {env: prod}
            routes: [{match: "POST /v1/exports", operation: exportOrders, effect: export}]
        agents: [{id: bot, owner: olga@example.com, groups: [agents], key: "env:BOT_KEY"}]
        users: [{id: alice@example.com, groups: [dba]}, {id: olga@example.com}]
        """
    private static let policies = """
        permit (principal in Group::"agents", action, resource);
        @id("never") forbid (principal is Agent, action, resource)
          when { context has path && context.path like "/forbidden/*" };
        @id("deletes") @approvers("dba") forbid (principal is Agent, action in Action::"delete", resource);
        @id("brief") @approvers("dba") @expires("500ms") forbid (principal is Agent, action, resource)
          when { context has path && context.path like "/brief/*" };
        @id("short") @approvers("dba") @grant("1s") forbid (principal is Agent, action, resource)
          when { context has path && context.path like "/short/*" };
        """

    /// Something that a test cannot go on without.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// Lends a gateway that answers, and ends it.
    static func with<Value>(_ body: (RunningGateway) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("client-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("policies"),
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in [("countersign.yaml", configuration), ("policies/main.cedar", policies)] {
            try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        let output = Pipe()
        let (ends, end) = AsyncStream<Int32>.makeStream()
        let process = try start(["serve", "--log-level", "error"], in: folder, output: output, end: end)
        let result: Result<Value, any Error>
        do {
            let gateway = RunningGateway(url: try await address(output), folder: folder)
            result = .success(try await body(gateway))
        } catch {
            result = .failure(error)
        }
        process.terminate()
        for await _ in ends { break }
        return try result.get()
    }

    /// A user decides, by the command line.
    func decide(_ word: String, _ approval: String, reason: String = "looked at it") async throws {
        let user = ["--as", "alice@example.com", "--reason", reason, "--url", url]
        _ = try await command(["approvals", word, approval] + user)
    }

    /// What a command says.
    func command(_ arguments: [String]) async throws -> String {
        let file = folder.appendingPathComponent("said-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        let output = try FileHandle(forWritingTo: file)
        let (ends, end) = AsyncStream<Int32>.makeStream()
        _ = try Self.start(arguments, in: folder, output: output, end: end)
        var status: Int32?
        for await code in ends {
            status = code
            break
        }
        let said = try String(contentsOf: file, encoding: .utf8)
        guard status == 0 else { throw Missing(description: "\(arguments) failed: \(said)") }
        return said
    }

    /// Starts a command; no thread waits for its end.
    private static func start(
        _ arguments: [String],
        in folder: URL,
        output: Any,
        end: AsyncStream<Int32>.Continuation,
    ) throws -> Process {
        let process = Process()
        process.executableURL = try binary()
        process.arguments = arguments + ["--config", folder.appendingPathComponent("countersign.yaml").path]
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(["BOT_KEY": key]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.terminationHandler = { end.yield($0.terminationStatus) }
        try process.run()
        return process
    }

    /// The binary that was built beside these tests.
    private static func binary() throws -> URL {
        if let named = ProcessInfo.processInfo.environment["COUNTERSIGN_BINARY"] { return URL(fileURLWithPath: named) }
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        // On macOS the tests are a bundle within the folder of what was built.
        for _ in 0..<6 {
            folder.deleteLastPathComponent()
            let found = folder.appendingPathComponent("countersign")
            if FileManager.default.isExecutableFile(atPath: found.path) { return found }
        }
        throw Missing(description: "the binary countersign was not found; name it with COUNTERSIGN_BINARY")
    }

    /// Reads what the gateway prints once it listens.
    private static func address(_ output: Pipe) async throws -> String {
        let (pieces, piece) = AsyncStream<Data>.makeStream()
        output.fileHandleForReading.readabilityHandler = { piece.yield($0.availableData) }
        defer { output.fileHandleForReading.readabilityHandler = nil }
        var said = ""
        for await more in pieces {
            guard !more.isEmpty else { break }
            said += String(decoding: more, as: UTF8.self)
            let words = said.split(whereSeparator: \.isWhitespace)
            if said.contains("Log key"), let url = words.first(where: { $0.hasPrefix("http://127.0.0.1:") }) {
                return String(url)
            }
        }
        throw Missing(description: "the gateway ended: \(said)")
    }
}
