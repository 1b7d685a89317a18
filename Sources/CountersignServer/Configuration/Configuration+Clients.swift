import CountersignCore
import CountersignIdentity
import Yams

extension Configuration {
    /// Reads `oauth_clients`.
    mutating func takeClients(_ node: Node?, _ reader: NodeReader) {
        var clients = [DeclaredIdentities.Client]()
        for (index, item) in reader.list(node, "oauth_clients").enumerated() {
            let path = "oauth_clients[\(index)]"
            let members = reader.mapping(item, path, known: ["id", "secrets", "users", "groups"])
            let what = "a client's name: at most 63 letters, digits, - and _"
            let id = reader.identifier(members["id"], path + ".id", ClientID.self, what)
            _ = reader.require(id, members, "id", of: item, path)
            let secrets = clientSecrets(members["secrets"], path + ".secrets", reader)
            _ = reader.require(secrets.isEmpty ? nil : secrets, members, "secrets", of: item, path)
            let users = reader.identifiers(members["users"], path + ".users", UserID.self, "a user's name")
            let groups = reader.identifiers(members["groups"], path + ".groups", GroupName.self, "a group's name")
            if users.isEmpty, groups.isEmpty {
                reader.fail(item, path, "says for nobody whose decisions it may bring: add users or groups")
            }
            guard let id, !secrets.isEmpty else { continue }
            if clients.contains(where: { $0.client.id == id }) {
                reader.fail(item, path + ".id", "there are two clients \(id)")
            }
            let client = DecisionClient(id: id, users: users, groups: groups)
            clients.append(DeclaredIdentities.Client(client, secrets: secrets))
        }
        identities = DeclaredIdentities(
            agents: identities.agents,
            users: identities.users,
            keys: identities.keys,
            links: identities.links,
            clients: clients,
        )
    }

    private func clientSecrets(_ node: Node?, _ path: String, _ reader: NodeReader) -> [String] {
        reader.list(node, path).enumerated().compactMap { index, item in
            guard let secret = reader.secret(item, "\(path)[\(index)]") else { return nil }
            if reader.world.hasSecrets, secret.utf8.count < 32 {
                reader.fail(
                    item,
                    "\(path)[\(index)]",
                    "is shorter than 32 characters; make one with: openssl rand -hex 32"
                )
            }
            return secret
        }
    }
}
