import CountersignLog
import TransparencyLog

extension Examination {
    /// Asks every witness for nothing, all at once: one that is there says that this was no request.
    static func witnesses(_ settings: WitnessSettings?) async -> [Finding] {
        guard let settings else { return [] }
        return await withTaskGroup(of: (Int, Finding).self) { group in
            for (place, peer) in settings.peers.enumerated() {
                group.addTask { (place, await witness(peer)) }
            }
            var findings = [Int: Finding]()
            for await (place, finding) in group { findings[place] = finding }
            return findings.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private static func witness(_ peer: WitnessSettings.Peer) async -> Finding {
        let name = "witness \(peer.key.name)"
        let link = HTTPWitnessLink(to: peer)
        let finding: Finding
        do throws(WitnessFailure) {
            let reply = try await link.submit("")
            finding =
                reply.status == 400
                ? Finding(name: name, isGood: true, message: "answers at \(peer.url)")
                : Finding(
                    name: name,
                    isGood: false,
                    message:
                        "\(peer.url)/add-checkpoint answered \(reply.status), which is not what a witness says to an "
                        + "empty request: correct its url in log.witnesses",
                )
        } catch {
            finding = Finding(
                name: name,
                isGood: false,
                message: "\(error); actions go on without its cosignatures: start it, or correct log.witnesses",
            )
        }
        await link.close()
        return finding
    }
}
