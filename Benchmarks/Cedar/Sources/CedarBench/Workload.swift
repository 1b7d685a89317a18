import CanonicalJSON
import Cedar

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What cedar_workload.py wrote: policies, entities and requests.
struct Workload {
    let policies: PolicySet
    let entities: Entities
    let requests: [Request]

    init(folder: String) throws {
        let limits = JSONLimits(maxDepth: 64, numbers: .int64)
        let text = String(decoding: try Self.bytes(folder + "/policies.cedar"), as: UTF8.self)
        self.policies = try PolicySet(
            parsing: [PolicySource(name: "policies.cedar", text: text)],
            idsFromAnnotations: true,
        )
        self.entities = try Entities(json: try JSONParser.parse(Self.bytes(folder + "/entities.json"), limits: limits))
        let requests = try JSONParser.parse(Self.bytes(folder + "/requests.json"), limits: limits)
        self.requests = try (requests.arrayValue ?? []).map { json in
            Request(
                principal: try EntityUID(json: json["principal"] ?? .null),
                action: try EntityUID(json: json["action"] ?? .null),
                resource: try EntityUID(json: json["resource"] ?? .null),
                context: try Record(json: json["context"] ?? .null),
            )
        }
    }

    struct Unreadable: Error {
        let path: String
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { throw Unreadable(path: path) }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let read = unsafe fread(&chunk, 1, chunk.count, file)
            guard read > 0 else { return bytes }
            bytes += chunk[..<read]
        }
    }
}
