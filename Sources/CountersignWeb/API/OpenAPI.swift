import CanonicalJSON
import HTTPTypes

/// Writes the OpenAPI 3.1 document from the endpoints that the server runs and the schemas in the resources.
struct OpenAPI {
    private let document: [UInt8]

    /// Writes the document once.
    ///
    /// - Throws: If the schemas are not JSON.
    init(_ endpoints: [Endpoint], _ dependencies: WebDependencies) throws {
        let schemas = try JSONParser.parse(PackageResources.openapi_schemas_json)
        let own = Self.endpoint(document: [])
        var paths = [String: JSONObject]()
        for endpoint in endpoints + [own] where endpoint.face == .api {
            let method = endpoint.method.rawValue.lowercased()
            paths[endpoint.path.text, default: JSONObject()][method] = Self.operation(endpoint)
        }
        let root = JSONObject([
            ("components", ["schemas": schemas, "securitySchemes": Self.security(dependencies.publicURL)]),
            (
                "info",
                [
                    "title": "Countersign", "version": .string(dependencies.version),
                    "description": "Holds AI agents' sensitive actions until humans approve them.",
                    "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
                ]
            ),
            ("openapi", "3.1.0"),
            ("paths", .object(JSONObject(paths.map { ($0.key, .object($0.value)) }))),
            ("servers", [["url": .string(dependencies.publicURL)]]),
        ])
        document = JSONValue.object(root).canonicalBytes()
    }

    /// Serves the document.
    var endpoint: Endpoint { Self.endpoint(document: document) }

    private static func endpoint(document: [UInt8]) -> Endpoint {
        Endpoint(
            .get,
            "/openapi.json",
            .anyone,
            name: "getOpenAPI",
            "This document.",
            answers: [.json("OpenAPI", "The document.")],
        ) { _ in Reply(contentType: "application/json", bytes: document) }
    }

    private static func security(_ publicURL: String) -> JSONValue {
        [
            "agentKey": ["type": "http", "scheme": "bearer", "description": "An agent's key, cs_…"],
            "client": [
                "type": "oauth2",
                "flows": [
                    "clientCredentials": [
                        "scopes": ["decide": "Read approvals and bring humans' decisions on them."],
                        "tokenUrl": .string(publicURL + ClientEndpoints.tokenPath),
                    ]
                ],
                "description": "A program that brings humans' decisions; its token is cso_…",
            ],
            "session": [
                "type": "apiKey", "in": "cookie", "name": .string(Credentials.cookieName),
                "description": "The dashboard's session. Changes need the field X-CSRF-Token, too.",
            ],
            "userToken": ["type": "http", "scheme": "bearer", "description": "A user's token, cst_…"],
        ]
    }

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        var operation = JSONObject([
            ("operationId", .string(endpoint.name)),
            ("responses", .object(responses(endpoint))),
            ("security", security(endpoint.access)),
            ("summary", .string(endpoint.summary)),
        ])
        if !endpoint.parameters.isEmpty { operation["parameters"] = .array(endpoint.parameters.map(\.json)) }
        switch endpoint.intake {
        case .none, .nothing, .form, .bytes: break
        case .json(let schema): operation["requestBody"] = body(schema, required: true)
        case .optionalJSON(let schema): operation["requestBody"] = body(schema, required: false)
        }
        return .object(operation)
    }

    private static func body(_ schema: String, required: Bool) -> JSONValue {
        ["content": ["application/json": ["schema": reference(schema)]], "required": .bool(required)]
    }

    private static func reference(_ schema: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/" + schema)]
    }

    private static func security(_ access: Endpoint.Access) -> JSONValue {
        let none: JSONValue = .array([])
        let agent: JSONValue = ["agentKey": none]
        let user: [JSONValue] = [["userToken": none], ["session": none]]
        switch access {
        case .anyone: return none
        case .agent: return [agent]
        case .user: return .array(user)
        case .caller: return .array([agent] + user)
        case .callerOrClient: return .array([agent] + user + [["client": ["decide"]]])
        case .localAdministrator: return .array([user[0]])
        }
    }

    private static func responses(_ endpoint: Endpoint) -> JSONObject {
        var responses = JSONObject()
        for status in problems(endpoint) {
            responses[String(status)] = [
                "content": ["application/problem+json": ["schema": reference("Problem")]],
                "description": .string(Problem.title(status)),
            ]
        }
        for answer in endpoint.answers {
            var response = JSONObject([("description", .string(answer.summary))])
            if let type = answer.mediaType {
                var content = JSONObject()
                if let schema = answer.schema { content["schema"] = reference(schema) }
                response["content"] = .object(JSONObject([(type, .object(content))]))
            }
            // The kept response has the upstream's status, whatever that is.
            responses[answer.mediaType == "*/*" ? "default" : String(answer.status)] = .object(response)
        }
        return responses
    }

    private static func problems(_ endpoint: Endpoint) -> [Int] {
        var statuses = Set(endpoint.problems)
        switch endpoint.access {
        case .anyone: break
        case .agent, .user, .localAdministrator: statuses.formUnion([401, 403, 503])
        case .caller, .callerOrClient: statuses.formUnion([401, 503])
        }
        for parameter in endpoint.parameters { statuses.insert(parameter.place == .path ? 404 : 400) }
        if endpoint.method == .post { statuses.formUnion([400, 403, 409, 413]) }
        switch endpoint.intake {
        case .none, .nothing, .bytes: break
        case .json, .optionalJSON, .form: statuses.insert(415)
        }
        // Whoever names an agent, user or key that the configuration declares, or that is not there.
        if case .localAdministrator = endpoint.access { statuses.formUnion([404, 409]) }
        return statuses.sorted()
    }
}
