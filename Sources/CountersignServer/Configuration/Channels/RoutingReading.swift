import CountersignChannels
import CountersignCore
import Yams

/// Reads `routing`: who is told when a gate names a group.
struct RoutingReading {
    let reader: NodeReader
    let channels: [ChannelSettings]

    private static let known = ["groups", "notify", "quiet_hours", "escalate", "remind", "digest"]

    /// A route as it is written, before escalations to other groups find theirs.
    private struct Draft {
        let groups: [GroupName]
        let isForEverybody: Bool
        let destinations: [Destination]
        let quietHours: ChannelRouting.QuietHours?
        let escalations: [(after: Duration, destinations: [Destination], groups: [(GroupName, Node, String)])]
        let reminder: Duration?
        let digest: ChannelRouting.Digest?
    }

    /// All routes; what is wrong, the reader then knows.
    func read(_ node: Node?) -> ChannelRouting {
        let drafts = reader.list(node, "routing").enumerated().compactMap { draft($1, "routing[\($0)]") }
        var routes = [GroupName: ChannelRouting.Route]()
        var everybody: ChannelRouting.Route?
        for draft in drafts {
            let route = route(draft, drafts)
            for group in draft.groups {
                if routes.updateValue(route, forKey: group) != nil {
                    reader.fail(node, "routing", "has two routes of the group \(group)")
                }
            }
            if draft.isForEverybody {
                if everybody != nil { reader.fail(node, "routing", "has two routes of \"*\"") }
                everybody = route
            }
        }
        let programs = channels.filter { $0.kind == .webhook }.map { Destination(channel: $0.name) }
        return ChannelRouting(
            routes: routes,
            everybody: everybody,
            observers: programs,
            gathering: Set(channels.filter(\.gathers).map(\.name)),
        )
    }

    private func route(_ draft: Draft, _ all: [Draft]) -> ChannelRouting.Route {
        let escalations = draft.escalations.map { escalation in
            var destinations = escalation.destinations
            for (group, node, path) in escalation.groups {
                guard let other = all.first(where: { $0.groups.contains(group) }) else {
                    reader.fail(node, path, "there is no route of the group \(group) to escalate to")
                    continue
                }
                destinations += other.destinations
            }
            return ChannelRouting.Escalation(after: escalation.after, destinations: destinations)
        }
        return ChannelRouting.Route(
            destinations: draft.destinations,
            quietHours: draft.quietHours,
            escalations: escalations.sorted { $0.after < $1.after },
            reminder: draft.reminder,
            digest: draft.digest,
        )
    }

    private func draft(_ node: Node, _ path: String) -> Draft? {
        let members = reader.mapping(node, path, known: Self.known)
        var groups = [GroupName]()
        var isForEverybody = false
        for (index, item) in reader.list(members["groups"], path + ".groups").enumerated() {
            if item.scalar?.string == "*" {
                isForEverybody = true
            } else if let group = group(item, "\(path).groups[\(index)]") {
                groups.append(group)
            }
        }
        if groups.isEmpty, !isForEverybody {
            reader.fail(node, path, "names no group; write groups: [dba], or groups: [\"*\"] for all others")
        }
        let destinations = destinations(members["notify"], path + ".notify")
        if destinations.isEmpty { reader.fail(node, path, "lacks the key notify, or it names no channel") }
        return Draft(
            groups: groups,
            isForEverybody: isForEverybody,
            destinations: destinations,
            quietHours: members["quiet_hours"].flatMap { quietHours($0, path + ".quiet_hours") },
            escalations: escalations(members["escalate"], path + ".escalate"),
            reminder: reader.duration(members["remind"], path + ".remind", atLeast: .seconds(1)),
            digest: members["digest"].map { digest($0, path + ".digest") },
        )
    }

    private func group(_ node: Node, _ path: String) -> GroupName? {
        reader.identifier(node, path, GroupName.self, "a group's name")
    }

    private func destinations(_ node: Node?, _ path: String) -> [Destination] {
        reader.list(node, path).enumerated().compactMap { index, item in destination(item, "\(path)[\(index)]") }
    }

    private func destination(_ node: Node, _ path: String) -> Destination? {
        let members = reader.mapping(node, path, known: ["channel", "to"])
        let what = "a channel's name"
        let name = reader.identifier(members["channel"], path + ".channel", ChannelName.self, what)
        guard let name = reader.require(name, members, "channel", of: node, path) else { return nil }
        guard let channel = channels.first(where: { $0.name == name }) else {
            let known = channels.map(\.name.rawValue)
            let nearest = NearestName.find(name.rawValue, among: known).map { "; did you mean \($0)?" } ?? ""
            reader.fail(members["channel"], path + ".channel", "there is no channel \(name)\(nearest)")
            return nil
        }
        let address = members["to"] == nil ? "" : reader.text(members["to"], path + ".to") ?? ""
        if address.utf8.count > channel.longestAddress {
            reader.fail(members["to"], path + ".to", "has more than \(channel.longestAddress) bytes")
            return nil
        }
        if let objection = channel.objection(address) {
            reader.fail(members["to"] ?? node, path + ".to", objection)
            return nil
        }
        return Destination(channel: name, address: address)
    }

    private func escalations(
        _ node: Node?,
        _ path: String,
    ) -> [(after: Duration, destinations: [Destination], groups: [(GroupName, Node, String)])] {
        reader.list(node, path).enumerated().compactMap { index, item in
            let path = "\(path)[\(index)]"
            let members = reader.mapping(item, path, known: ["after", "notify", "groups"])
            let after = reader.duration(members["after"], path + ".after", atLeast: .seconds(1))
            guard let after = reader.require(after, members, "after", of: item, path) else { return nil }
            let destinations = destinations(members["notify"], path + ".notify")
            let groups = reader.list(members["groups"], path + ".groups").enumerated().compactMap { index, item in
                group(item, "\(path).groups[\(index)]").map { ($0, item, "\(path).groups[\(index)]") }
            }
            if destinations.isEmpty, groups.isEmpty {
                reader.fail(item, path, "says when, but not to whom: add notify or groups")
            }
            return (after, destinations, groups)
        }
    }

    private func digest(_ node: Node, _ path: String) -> ChannelRouting.Digest {
        let members = reader.mapping(node, path, known: ["after", "every"])
        let after = reader.number(members["after"], path + ".after", in: 1...1000) ?? 10
        let every = reader.duration(members["every"], path + ".every", atLeast: .seconds(1)) ?? .seconds(60)
        if every > ChannelRouting.longestDigest {
            reader.fail(members["every"], path + ".every", "is longer than an hour")
        }
        return ChannelRouting.Digest(after: after, every: every)
    }

    private func quietHours(_ node: Node, _ path: String) -> ChannelRouting.QuietHours? {
        let members = reader.mapping(node, path, known: ["from", "until", "time_zone", "notify"])
        let from = minutes(members["from"], path + ".from")
        let until = minutes(members["until"], path + ".until")
        _ = reader.require(from, members, "from", of: node, path)
        _ = reader.require(until, members, "until", of: node, path)
        var zone: any LocalTime = FixedOffset(seconds: 0)
        if let text = reader.text(members["time_zone"], path + ".time_zone") {
            if let known = ZoneClock(text) {
                zone = known
            } else {
                reader.fail(
                    members["time_zone"],
                    path + ".time_zone",
                    "\"\(text)\" is no time zone of this machine; write Europe/Berlin, or install tzdata"
                )
            }
        }
        guard let from, let until else { return nil }
        if from == until { reader.fail(node, path, "ends when it begins") }
        let instead = destinations(members["notify"], path + ".notify")
        return ChannelRouting.QuietHours(from: from, until: until, zone: zone, instead: instead)
    }

    /// Minutes after midnight of `22:30`.
    private func minutes(_ node: Node?, _ path: String) -> Int? {
        guard let text = reader.text(node, path) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let isPlain =
            parts.count == 2
            && parts.allSatisfy { part in part.count == 2 && part.allSatisfy { (48...57).contains($0) } }
        guard isPlain, let hour = Int(String(Substring(parts[0]))), let minute = Int(String(Substring(parts[1]))),
            (0...23).contains(hour), (0...59).contains(minute)
        else {
            reader.fail(node, path, "\"\(text)\" is not a time of day; write \"22:30\", in quotes")
            return nil
        }
        return hour * 60 + minute
    }
}
