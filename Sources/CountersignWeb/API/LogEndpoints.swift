import CountersignCore
import HTTPTypes
import TransparencyLog

/// The log as C2SP tlog-tiles: its signed head, its verifier key, its tiles and entry bundles.
enum LogEndpoints {
    /// The endpoints; entries tell who does what, so not everybody may read them unless that is wanted.
    static func all(entriesArePublic: Bool) -> [Endpoint] {
        let bundles = Endpoint(
            .get,
            "/log/tile/entries/{tile...}",
            entriesArePublic ? .anyone : .user,
            name: "getEntryBundle",
            "A bundle of up to 256 entries (C2SP tlog-tiles), each after its length.",
            parameters: [.path("tile", .tile, "The bundle's place, in groups of three digits: x001/067.p/12.")],
            answers: [.other("application/octet-stream", "The bundle.")],
            problems: [503],
        ) { exchange in try await tile("entries", exchange) }
        return [checkpoint, key, bundles, tiles]
    }

    private static let checkpoint = Endpoint(
        .get,
        "/log/checkpoint",
        .anyone,
        name: "getCheckpoint",
        "The signed head of the log (C2SP tlog-checkpoint); covers what was committed before the request.",
        answers: [.other("text/plain", "The checkpoint, a signed note.")],
        problems: [503],
    ) { exchange in
        var reply = Reply.text(try await exchange.parts.dependencies.log.checkpoint())
        reply.fields[.cacheControl] = "no-cache"
        return reply
    }

    private static let key = Endpoint(
        .get,
        "/log/key",
        .anyone,
        name: "getLogKey",
        "The log's verifier key (C2SP vkey).",
        answers: [.other("text/plain", "The key, one line.")],
    ) { exchange in .text(exchange.parts.dependencies.log.verifierKey + "\n") }

    private static let tiles = Endpoint(
        .get,
        "/log/tile/{level}/{tile...}",
        .anyone,
        name: "getTile",
        "A tile of up to 256 hashes of the log's Merkle tree (C2SP tlog-tiles).",
        parameters: [
            .path("level", .integer(0...63), "The tile's level; 0 has the leaves' hashes."),
            .path("tile", .tile, "The tile's place, in groups of three digits: x001/067.p/12."),
        ],
        answers: [.other("application/octet-stream", "The tile.")],
        problems: [503],
    ) { exchange in try await tile(exchange.parameters["level"] ?? "", exchange) }

    /// A tile below `tile/<content>/`, as far as the newest checkpoint covers it.
    private static func tile(_ content: String, _ exchange: Exchange) async throws -> Reply {
        let dependencies = exchange.parts.dependencies
        guard let place = exchange.parameters["tile"], let path = TilePath(parsing: "tile/\(content)/\(place)"),
            let newest = dependencies.log.newest,
            let bytes = try await LogTiles(of: dependencies.ledger).bytes(path, size: newest.size)
        else { throw Problem(.notFound, "No checkpoint covers such a tile.") }
        var reply = Reply(contentType: "application/octet-stream", bytes: bytes)
        reply.fields[.cacheControl] = dependencies.entriesArePublic || content != "entries" ? immutable : "no-store"
        return reply
    }

    private static let immutable = "public, max-age=31536000, immutable"
}
