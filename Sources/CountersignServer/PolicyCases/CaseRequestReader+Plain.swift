import Cedar
import CountersignCore
import Yams

extension CaseRequestReader {
    /// A plain Cedar request.
    func plainRequest(
        _ members: [String: Node],
        _ node: Node,
        _ path: String,
        _ world: CaseWorld,
    ) -> PolicyCase.Question? {
        for (key, item) in members where !Self.plainKeys.contains(key) {
            reader.fail(item, "\(path).\(key)", "cannot stand beside principal; use context")
        }
        let principal = entity(members["principal"], path + ".principal")
        let action = entity(members["action"], path + ".action")
        let resource = entity(members["resource"], path + ".resource")
        guard let principal = reader.require(principal, members, "principal", of: node, path),
            let action = reader.require(action, members, "action", of: node, path),
            let resource = reader.require(resource, members, "resource", of: node, path),
            let details = details(members, path)
        else { return nil }
        do {
            var context = try Record(json: details).members.map { ($0.name.string, $0.value) }
            let (circumstances, time) = circumstances(members, path)
            if members["time"] != nil {
                context.append(("time", .datetime(Datetime(milliseconds: time.microseconds / 1000))))
            }
            if members["source_address"] != nil, let text = circumstances.sourceAddress,
                let address = try? IPAddress(parsing: CedarString(text))
            {
                context.append(("source_address", .ip(address)))
            }
            if let text = circumstances.justification { context.append(("justification", Value(text))) }
            let human = reader.identifier(members["on_behalf_of"], path + ".on_behalf_of", UserID.self, "a user's id")
            if let human { context.append(("on_behalf_of", .entity(.user(human)))) }
            let request = Request(
                principal: principal,
                action: action,
                resource: resource,
                context: Record(context),
            )
            let more = try reader.json(members["entities"], path + ".entities").map { try Entity.list(json: $0) }
            return .request(request, try world.directory().entities(with: more ?? [], resource: resource))
        } catch {
            reader.fail(node, path, "is not a Cedar request: \(error)")
            return nil
        }
    }

    func entity(_ node: Node?, _ path: String) -> EntityUID? {
        guard let text = reader.text(node, path) else { return nil }
        do {
            return try EntityUID(parsing: text)
        } catch {
            reader.fail(node, path, "\"\(text)\" is not an entity such as Agent::\"bot\": \(error)")
            return nil
        }
    }
}
