import CanonicalJSON
import CountersignCore
import MCPWire

/// Judges what a server asks of an agent's client: samples of its model, answers of its human, its folders.
struct MCPQuestions {
    let caller: MCPCaller
    let connection: MCPConnection
    let enforcement: Enforcement

    enum Verdict {
        /// With the parameters as they were read.
        case pass(JSONObject)
        case refuse(RPCError)
    }

    /// Whether the client may be asked.
    ///
    /// What it answers goes to the server, so it is the agent's action: what its human types is data that leaves, and so
    /// is what its model writes.
    ///
    /// Not so where it `isTold`: a legacy client learns of pages to open by an error, which needs no capability.
    func judge(_ name: String, _ params: [UInt8]?, isTold: Bool = false) async -> Verdict {
        guard let method = MCPMethod.server(name, modern: false), !method.isNotification else {
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name."))
        }
        let effect: Effect
        let capability: String
        switch method {
        case .createMessage: (effect, capability) = (.execute, "sampling")
        case .elicit: (effect, capability) = (.write, "elicitation")
        case .rootsList: (effect, capability) = (.read, "roots")
        default:
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: "There is no method of this name."))
        }
        guard isTold || caller.declared[capability] != nil else {
            return .refuse(RPCError(code: RPCCode.methodNotFound, message: "The client did not declare \(capability)."))
        }
        let limits = JSONLimits(maxDepth: 64, maxBytes: 1 << 20, allowsNoncharacters: true)
        guard let value = try? JSONParser.parse(params ?? Array("{}".utf8), limits: limits),
            let parameters = value.objectValue
        else { return .refuse(RPCError(code: RPCCode.invalidParams, message: "The parameters cannot be read.")) }
        if !isTold, method == .elicit, parameters["mode"]?.stringValue == "url",
            caller.declared[capability]?["url"]?.objectValue == nil
        {
            let message = "The client did not declare elicitation by URL."
            return .refuse(RPCError(code: RPCCode.invalidParams, message: message))
        }
        var details: [(String, JSONValue)] = [("method", .string(method.rawValue))]
        for member in parameters.members where member.key != "_meta" {
            details.append(("param_" + member.key, member.value))
        }
        let name = connection.name
        let action = Action(
            agent: caller.agent,
            onBehalfOf: caller.onBehalfOf,
            protocol: "mcp",
            connection: name,
            operations: [
                Operation(
                    protocol: "mcp",
                    effect: effect,
                    resource: ResourceReference(type: "Connection", id: name.rawValue),
                )
            ],
            details: JSONObject(details),
        )
        // The server waits inside of a call; a person's decision about its question would come too late for it.
        switch await enforcement.admit(action, caller.circumstances, holds: false) {
        case .allowed(let entry):
            guard let reason = await enforcement.commit(entry) else { return .pass(parameters) }
            return .refuse(MCPRefusals.error([reason], code: MCPWords.refused, executed: false))
        case .refused(let reasons):
            return .refuse(MCPRefusals.error(reasons, code: MCPWords.refused, executed: false))
        case .held, .approved, .running, .finished:
            return .refuse(RPCError(code: RPCCode.internalError, message: "The gateway cannot say whether it may ask."))
        }
    }

    /// An answer as the client may have it.
    ///
    /// What it asks is judged: in the modern era in a result of its own, before in an error that says that its human has to
    /// open pages first (2025-11-25, "URL Elicitation Required Error"), which is put in the words of the client's era.
    /// Throws what the client is told if it may not be asked.
    func screened(_ answer: MCPAnswer) async throws(RPCError) -> MCPAnswer {
        switch answer {
        case .result(let bytes):
            if caller.revision.isModern, MCPShapes.kind(of: bytes) == "input_required" {
                try await judgeRequests(bytes)
            }
            return answer
        case .error(let bytes):
            guard let (code, error) = MCPShapes.error(bytes), code == RPCCode.urlElicitationRequired else {
                return answer
            }
            return try await screened(error, answer)
        }
    }

    /// More than anybody is asked at once.
    private static let maximumAtOnce = 16
    private static let tooMany = RPCError(
        code: RPCCode.internalError,
        message: "The server asks for more than \(maximumAtOnce) things at once.",
    )

    /// To the client that is not asked, it is no method of its own that is not found.
    private static func told(_ error: RPCError) -> RPCError {
        guard error.code == RPCCode.methodNotFound else { return error }
        return RPCError(code: RPCCode.invalidRequest, message: error.message)
    }

    private func judgeRequests(_ bytes: [UInt8]) async throws(RPCError) {
        guard let result = ObjectScan.value(bytes, in: bytes.indices) else {
            throw RPCError(code: RPCCode.internalError, message: "The server asks for input, and cannot be understood.")
        }
        guard let requests = result["inputRequests"] else { return }
        let members = requests.objectValue?.members
        guard let members, members.allSatisfy({ $0.value["method"]?.stringValue != nil }) else {
            throw RPCError(code: RPCCode.internalError, message: "The server asks for input, and does not say which.")
        }
        guard members.count <= Self.maximumAtOnce else { throw Self.tooMany }
        for member in members {
            let (name, params) = (member.value["method"]?.stringValue ?? "", member.value["params"])
            if case .refuse(let error) = await judge(name, params?.canonicalBytes()) { throw Self.told(error) }
        }
    }

    private func screened(_ error: JSONObject, _ answer: MCPAnswer) async throws(RPCError) -> MCPAnswer {
        let pages = error["data"]?["elicitations"]?.arrayValue ?? []
        guard pages.count <= Self.maximumAtOnce else { throw Self.tooMany }
        var requests = [(String, JSONValue)]()
        let isTold = !caller.revision.isModern
        for (index, asked) in pages.enumerated() {
            switch await judge(MCPMethod.elicit.rawValue, asked.canonicalBytes(), isTold: isTold) {
            case .refuse(let error): throw Self.told(error)
            case .pass(let params):
                let request = JSONObject([
                    ("method", .string(MCPMethod.elicit.rawValue)), ("params", .object(Self.modern(params))),
                ])
                requests.append(("page-\(index + 1)", .object(request)))
            }
        }
        guard caller.revision.isModern else { return answer }
        guard !requests.isEmpty else {
            throw RPCError(code: RPCCode.internalError, message: "The server asks for input, and does not say which.")
        }
        let result = JSONObject([("inputRequests", .object(JSONObject(requests))), ("resultType", "input_required")])
        return .result(JSONValue.object(result).canonicalBytes())
    }

    /// The parameters of a question without what the modern era has no word for.
    static func modern(_ params: JSONObject) -> JSONObject {
        var params = params
        for name in ["elicitationId", "task"] { params[name] = nil }
        return params
    }
}
