import HTTPTypes

/// Finds the endpoint for a method and a path.
struct RouteTable: Sendable {
    /// What was found.
    enum Match: Sendable {
        /// An endpoint, with the path's parameters.
        case endpoint(Endpoint, [String: String])
        /// The path is known and the method is not; these are.
        case otherMethods([String], Endpoint.Face)
        /// Nothing has this path.
        case none
    }

    /// All endpoints.
    let endpoints: [Endpoint]

    /// Looks for a path without its query.
    func match(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        guard path.utf8.first == UInt8(ascii: "/") else { return .none }
        let segments = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Substring($0) }
        var others = [String]()
        var face = Endpoint.Face.api
        for endpoint in endpoints {
            guard let parameters = endpoint.path.match(segments) else { continue }
            if endpoint.method == method || (method == .head && endpoint.answersHead) {
                return .endpoint(endpoint, parameters)
            }
            others.append(endpoint.method.rawValue)
            if endpoint.answersHead { others.append("HEAD") }
            face = endpoint.face
        }
        return others.isEmpty ? .none : .otherMethods(others, face)
    }
}
