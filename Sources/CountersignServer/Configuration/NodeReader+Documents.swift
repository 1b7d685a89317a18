import CountersignCore
import Yams

extension NodeReader {
    /// The keys of an agent.
    static let agentKeys = ["id", "owner", "groups", "on_behalf_of"]
    /// The keys of a user.
    static let userKeys = ["id", "groups"]

    /// Reads a file's YAML; `nil` if it is empty or none, which is then noted.
    func compose(_ bytes: [UInt8]) -> Node? {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            fail(nil, "", "is not UTF-8 text")
            return nil
        }
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            fail(error)
        } catch {
            fail(nil, "", "is not YAML: \(error)")
        }
        return nil
    }

    /// Throws what was noted, in the file's order.
    func finish() throws(ConfigurationErrors) {
        guard !problems.isEmpty else { return }
        let sorted = problems.enumerated().sorted {
            ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset)
        }
        throw ConfigurationErrors(problems: sorted.map(\.element))
    }

    /// An agent without its key.
    func agent(_ members: [String: Node], of item: Node, _ path: String) -> Agent? {
        let id = identifier(members["id"], path + ".id", AgentID.self, "an agent's id")
        guard let id = require(id, members, "id", of: item, path) else { return nil }
        return Agent(
            id: id,
            owner: identifier(members["owner"], path + ".owner", UserID.self, "a user's id"),
            groups: identifiers(members["groups"], path + ".groups", GroupName.self, "a group's name"),
            actsFor: members["on_behalf_of"].map {
                identifiers($0, path + ".on_behalf_of", UserID.self, "a user's id")
            },
        )
    }

    /// A user.
    func user(_ members: [String: Node], of item: Node, _ path: String) -> User? {
        let id = identifier(members["id"], path + ".id", UserID.self, "a user's id")
        guard let id = require(id, members, "id", of: item, path) else { return nil }
        let groups = identifiers(members["groups"], path + ".groups", GroupName.self, "a group's name")
        return User(id: id, groups: groups)
    }

    /// The accounts in chats that are a user; `others` are those of users before.
    func accounts(_ node: Node?, of user: UserID, _ path: String, besides others: [ChannelLink]) -> [ChannelLink] {
        var links = [ChannelLink]()
        for (index, item) in list(node, path).enumerated() {
            let path = "\(path)[\(index)]"
            guard let text = text(item, path) else { continue }
            guard let identity = ChannelIdentity(text) else {
                fail(item, path, "\"\(text)\" is not \(ChannelIdentity.demand)")
                continue
            }
            if let owner = (others + links).first(where: { $0.identity == identity })?.user {
                fail(item, path, "the account \(identity) is \(owner)'s already; an account is one user's")
                continue
            }
            links.append(.declared(identity, user))
        }
        return links
    }

    /// Notes what the YAML parser found.
    fileprivate func fail(_ error: YamlError) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            fail(at: mark, "", "is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            fail(at: context.mark, keys.joined(separator: ", "), "stands here twice")
        default:
            fail(nil, "", "is not YAML: \(error)")
        }
    }
}
