import CanonicalJSON
package import CountersignCore
import Crypto

/// Under which approval a call runs, from the hook before it to the hook after it: private files of the user's.
package struct HookRecords: Sendable {
    private struct Record {
        let approval: String
        let session: String
        /// When the call began; `nil` where it does not say.
        let time: Timestamp?
    }

    /// After so long a call has ended, whatever its agent says of it.
    private static let longest = Duration.seconds(3600)

    private let folder: String
    private let clock: any WallClock

    /// Takes the user's state folder; `nil` where there is none.
    package init?(world: ConfigurationWorld = .system, clock: any WallClock = SystemClock()) {
        self.clock = clock
        if let state = world.environment("XDG_STATE_HOME"), state.utf8.first == UInt8(ascii: "/") {
            folder = state + "/countersign/hooks"
        } else if let home = world.environment("HOME"), home.utf8.first == UInt8(ascii: "/") {
            folder = home + "/.local/state/countersign/hooks"
        } else {
            return nil
        }
    }

    /// Notes the approval of a call.
    func keep(_ approval: String, of call: HookCall) throws {
        let path = path(of: call)
        if LocalFile.exists(path) { try LocalFile.remove(path) }
        let record = JSONObject([
            ("approval", .string(approval)), ("session", .string(call.session)),
            ("time", .string(clock.time().rfc3339)),
        ])
        let text = JSONValue.object(record).canonicalText
        guard try LocalFile.create(path, text, mode: 0o600) else { throw StartupError("cannot write \(path)") }
    }

    /// The approval of a call, if it has one.
    func approval(of call: HookCall) -> String? { read(path(of: call))?.approval }

    /// Forgets a call.
    func remove(_ call: HookCall) { try? LocalFile.remove(path(of: call)) }

    /// Forgets the call that ran under an approval, if it surely has ended: a session that asks for the same again has not
    /// told of it, or it began long ago.
    ///
    /// Whether there was one.
    func removeEnded(_ approval: String, asking session: String) -> Bool {
        for name in LocalFile.names(in: folder) ?? [] {
            let path = "\(folder)/\(name)"
            guard let record = read(path), record.approval == approval else { continue }
            let isOld = record.time.map { $0.adding(Self.longest) < clock.time() } ?? true
            guard record.session == session || isOld else { return false }
            try? LocalFile.remove(path)
            return true
        }
        return false
    }

    private func read(_ path: String) -> Record? {
        guard case .success(let bytes) = LocalFile.read(path), let json = try? JSONParser.parse(bytes),
            let approval = json["approval"]?.stringValue
        else { return nil }
        return Record(
            approval: approval,
            session: json["session"]?.stringValue ?? "",
            time: json["time"]?.stringValue.flatMap { Timestamp(rfc3339: $0) },
        )
    }

    private func path(of call: HookCall) -> String {
        let digest = SHA256.hash(data: Array("\(call.session)\n\(call.id)".utf8))
        let digits = Array("0123456789abcdef".utf8)
        let name = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "\(folder)/\(String(decoding: name, as: UTF8.self)).json"
    }
}
