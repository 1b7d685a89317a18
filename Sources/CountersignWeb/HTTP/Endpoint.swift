import CanonicalJSON
import CountersignCore
import HTTPTypes

/// One thing that can be asked: method, path, who may, what it takes and answers, and the code that does it.
///
/// The server checks requests by this value and the OpenAPI document is written from it, so the two cannot differ.
struct Endpoint: Sendable {
    /// Who may call.
    enum Access: Sendable {
        /// Anybody.
        case anyone
        /// An agent, with its key.
        case agent
        /// A user, with a token or the dashboard's cookie.
        case user
        /// Either.
        case caller
        /// Either, or a program that brings humans' decisions.
        case callerOrClient
        /// A user whom the gateway's own machine vouches for.
        case localAdministrator
    }

    /// What the request's body must be.
    enum Intake: Sendable {
        /// None is read.
        case none
        /// Nothing, or an empty JSON object.
        case nothing
        /// A JSON document of this schema.
        case json(String)
        /// A JSON document of this schema, or nothing.
        case optionalJSON(String)
        /// A form of a page.
        case form
        /// Whatever a chat's servers send; its channel checks it.
        case bytes
    }

    /// For whom the answer is.
    enum Face: Sendable {
        /// A program: problems are JSON, and the OpenAPI document describes the call.
        case api
        /// A person: problems are pages.
        case page
        /// A chat's servers: problems are JSON, and who sent it is the channel's to check.
        case callback
    }

    /// What a call has of somebody else's protocol.
    struct Profile: Sendable {
        /// The types of problems (RFC 9457) that have a name of their own there, by their codes here.
        var types: [String: String] = [:]
    }

    /// One way in which the call can go well.
    struct Answer: Sendable {
        /// The status.
        let status: Int
        /// What it means.
        let summary: String
        /// The body's media type; `nil` if there is no body.
        let mediaType: String?
        /// The name of the JSON body's schema.
        let schema: String?

        /// A JSON answer.
        static func json(_ schema: String, status: Int = 200, _ summary: String) -> Answer {
            Answer(status: status, summary: summary, mediaType: "application/json", schema: schema)
        }

        /// An answer that is not JSON.
        static func other(_ mediaType: String?, status: Int = 200, _ summary: String) -> Answer {
            Answer(status: status, summary: summary, mediaType: mediaType, schema: nil)
        }
    }

    /// The code.
    typealias Run = @Sendable (Exchange) async throws -> Reply

    /// The method.
    let method: HTTPRequest.Method
    /// The path.
    let path: PathPattern
    /// Who may call.
    let access: Access
    /// For whom the answer is.
    let face: Face
    /// Names the call in the OpenAPI document.
    let name: String
    /// One sentence.
    let summary: String
    /// What the body must be.
    let intake: Intake
    /// Parameters.
    let parameters: [Parameter]
    /// How it can go well.
    let answers: [Answer]
    /// Statuses of problems, beyond those that follow from the rest.
    let problems: [Int]
    /// Whose protocol it is, if not our own; then the caller's `X-Request-ID` comes back.
    let profile: Profile?
    /// The code.
    let run: Run

    /// A call of the API.
    init(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ access: Access,
        name: String,
        _ summary: String,
        intake: Intake = .none,
        parameters: [Parameter] = [],
        answers: [Answer],
        problems: [Int] = [],
        profile: Profile? = nil,
        run: @escaping Run,
    ) {
        self.method = method
        self.path = PathPattern(path)
        self.access = access
        face = .api
        self.name = name
        self.summary = summary
        self.intake = intake
        let key = Parameter.header("Idempotency-Key", .key, "Sent again with the same key, the request runs once.")
        self.parameters = parameters + (method == .post ? [key] : [])
        self.answers = answers
        self.problems = problems
        self.profile = profile
        self.run = run
    }

    /// Whether HEAD is answered as GET without a body; a stream has no end to be asked about.
    var answersHead: Bool { method == .get && !answers.contains { $0.mediaType == "text/event-stream" } }

    /// Where a chat's servers send something.
    init(callback path: String, run: @escaping Run) {
        method = .post
        self.path = PathPattern(path)
        access = .anyone
        face = .callback
        name = path
        summary = ""
        intake = .bytes
        parameters = []
        answers = []
        problems = []
        self.run = run
        profile = nil
    }

    /// Runs the code; a problem has the type that the call's protocol gives it.
    @Sendable func respond(_ exchange: Exchange) async throws -> Reply {
        do {
            return try await run(exchange)
        } catch {
            throw typed(error)
        }
    }

    /// An error with the type that the call's protocol gives it.
    func typed(_ error: any Error) -> any Error {
        var problem = Problem(thrown: error)
        guard let type = profile?.types[problem.code] else { return error }
        problem.type = type
        return problem
    }

    /// A page of the dashboard.
    init(page method: HTTPRequest.Method, _ path: String, _ access: Access, run: @escaping Run) {
        self.method = method
        self.path = PathPattern(path)
        self.access = access
        face = .page
        name = path
        summary = ""
        intake = method == .post ? .form : .none
        parameters = []
        answers = []
        problems = []
        profile = nil
        self.run = run
    }
}

/// A path with places for parameters: `/v1/approvals/{id}`.
struct PathPattern: Sendable {
    private enum Segment: Sendable {
        case literal(String)
        case parameter(String)
        /// All segments from here on, at least one, as they were sent.
        case rest(String)
    }

    /// The pattern's text.
    let text: String
    private let segments: [Segment]

    /// Reads a pattern; `{name...}` at its end stands for one segment or more.
    init(_ text: String) {
        self.text = text.hasSuffix("...}") ? text.dropLast(4) + "}" : text
        segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            if part.hasSuffix("...}") { return .rest(String(part.dropFirst().dropLast(4))) }
            return part.first == "{" ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    /// The decoded parameters, if the raw segments of a path match.
    func match(_ path: [Substring]) -> [String: String]? {
        var path = path
        var parameters = [String: String]()
        if case .rest(let name) = segments.last, path.count >= segments.count {
            // Not decoded: a tile's path has one spelling.
            let rest = path[(segments.count - 1)...].joined(separator: "/")
            path = path.prefix(segments.count - 1) + [Substring(rest)]
            parameters[name] = rest
        }
        guard path.count == segments.count else { return nil }
        for (segment, part) in zip(segments, path) {
            switch segment {
            case .literal(let text): guard text.utf8.elementsEqual(part.utf8) else { return nil }
            case .parameter(let name):
                guard let value = PercentCoding.decode(part), !value.isEmpty else { return nil }
                parameters[name] = value
            case .rest(let name): guard parameters[name]?.isEmpty == false else { return nil }
            }
        }
        return parameters
    }
}
