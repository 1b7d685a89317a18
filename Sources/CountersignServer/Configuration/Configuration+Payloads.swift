import CountersignCore
import CountersignIdentity
import CountersignStore
import Yams

extension Configuration {
    /// Reads `payloads`.
    mutating func takePayloads(_ node: Node?, _ reader: NodeReader) {
        let members = reader.mapping(node, "payloads", known: ["key", "previous", "retention", "erasers"])
        payloads.key = reader.payloadKey(members["key"], "payloads.key")
        for (index, item) in reader.list(members["previous"], "payloads.previous").enumerated() {
            if let key = reader.payloadKey(item, "payloads.previous[\(index)]") { payloads.previous.append(key) }
        }
        if let term = reader.retention(members["retention"], "payloads.retention") {
            settings.retention.standard = term
        }
        settings.erasers = reader.identifiers(
            members["erasers"],
            "payloads.erasers",
            GroupName.self,
            "a group's name"
        )
    }

    /// What opens the payloads of the data folder; `nil` where no key is named and the folder has none.
    func sealerIfThere() throws -> PayloadSealer? {
        guard try payloads.key != nil || DataKeys.payloadKey(data: data, makesMissing: false) != nil else { return nil }
        return try sealer(makesMissing: false)
    }

    /// What opens and seals the payloads of the data folder.
    ///
    /// The data folder's own key opens what was sealed before the configuration named one.
    func sealer(makesMissing: Bool, world: ConfigurationWorld = .system) throws -> PayloadSealer {
        let folder = FilePath.folder(of: file)
        func key(_ reference: SecretReference, _ path: String) throws -> PayloadKey {
            switch reference.resolve(world, relativeTo: folder) {
            case .failure(let problem): throw StartupError("\(path): \(problem.message)")
            case .success(let text):
                guard let key = PayloadSettings.key(text).flatMap({ PayloadKey(bytes: $0) }) else {
                    throw StartupError("\(path): \(PayloadSettings.keyAdvice)")
                }
                return key
            }
        }
        let named = try payloads.key.map { try key($0, "payloads.key") }
        var previous = try payloads.previous.enumerated().map { try key($1, "payloads.previous[\($0)]") }
        let own = try DataKeys.payloadKey(data: data, makesMissing: makesMissing && named == nil)
            .flatMap { PayloadKey(bytes: $0) }
        if let named {
            if let own { previous.append(own) }
            return PayloadSealer(key: named, previous: previous)
        }
        guard let own else {
            throw StartupError("there is no key \(data)/keys/payload.key; start the server once, or set payloads.key")
        }
        return PayloadSealer(key: own, previous: previous)
    }
}

extension NodeReader {
    /// A reference to a payload key, which is looked at where the machine has secrets.
    func payloadKey(_ node: Node?, _ path: String) -> SecretReference? {
        guard let text = secret(node, path), let node,
            let reference = node.scalar.flatMap({ SecretReference($0.string) })
        else { return nil }
        if world.hasSecrets, PayloadSettings.key(text) == nil { fail(node, path, PayloadSettings.keyAdvice) }
        return reference
    }

    /// How long payloads are kept: a duration, or `forever`.
    func retention(_ node: Node?, _ path: String) -> RetentionRules.Term? {
        guard let node else { return nil }
        if node.scalar?.string == "forever" { return .forever }
        guard let duration = duration(node, path) else { return nil }
        guard duration >= RetentionRules.shortest else {
            fail(node, path, "is shorter than 1h, the shortest that there is; write 12h, 30d or forever")
            return nil
        }
        return .during(duration)
    }
}
