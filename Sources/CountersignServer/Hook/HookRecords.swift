import CanonicalJSON
import Crypto

/// Under which approval a call runs, from the hook before it to the hook after it: private files of the user's.
package struct HookRecords: Sendable {
    private let folder: String

    /// Takes the user's state folder; `nil` where there is none.
    package init?(world: ConfigurationWorld = .system) {
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
        let text = JSONValue.object(JSONObject([("approval", .string(approval))])).canonicalText
        guard try LocalFile.create(path, text, mode: 0o600) else { throw StartupError("cannot write \(path)") }
    }

    /// The approval of a call, if it has one.
    func approval(of call: HookCall) -> String? { read(path(of: call)) }

    /// Forgets a call.
    func remove(_ call: HookCall) { try? LocalFile.remove(path(of: call)) }

    /// Forgets whichever call ran under an approval; whether there was one.
    func remove(approval: String) -> Bool {
        for name in LocalFile.names(in: folder) ?? [] where read("\(folder)/\(name)") == approval {
            try? LocalFile.remove("\(folder)/\(name)")
            return true
        }
        return false
    }

    private func read(_ path: String) -> String? {
        guard case .success(let bytes) = LocalFile.read(path) else { return nil }
        return (try? JSONParser.parse(bytes))?["approval"]?.stringValue
    }

    private func path(of call: HookCall) -> String {
        let digest = SHA256.hash(data: Array("\(call.session)\n\(call.id)".utf8))
        let digits = Array("0123456789abcdef".utf8)
        let name = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "\(folder)/\(String(decoding: name, as: UTF8.self)).json"
    }
}
