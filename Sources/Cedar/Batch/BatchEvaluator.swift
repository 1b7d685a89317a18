package import CanonicalJSON

/// Answers authorization requests that are given as JSON, one a line.
///
/// Pure: files are read by a closure that the caller gives. Policies, entities and schemas that are named twice, as the
/// same path or with the same text, are read, parsed, compiled and validated once.
package struct BatchEvaluator {
    /// Why a file cannot be read.
    package struct FileError: Error, Hashable, Sendable {
        /// The reason, in words.
        package let message: String

        /// States a reason.
        package init(_ message: String) { self.message = message }
    }

    /// Gives the bytes of the file at a path, as the path stands in the request.
    package typealias Reader = (String) throws(FileError) -> [UInt8]

    /// What JSON may ask of the parser: Cedar's integers, and as deep as the official engine reads it.
    package static let limits = JSONLimits.cedar(bytes: 256 << 20)

    /// A line whose parts are too deep still has an id to be answered with.
    private static var lineLimits: JSONLimits {
        var limits = Self.limits
        limits.maxDepth = 512
        return limits
    }

    private var library: BatchLibrary

    /// Prepares for answering.
    ///
    /// - Parameters:
    ///   - limits: How large a policy text may be.
    ///   - cachedBytes: How many bytes of text may be kept, parsed, for later lines; beyond, everything is forgotten.
    ///   - isLiftable: Which `forbid` policies can be lifted; answers call these gates.
    ///   - read: Gives the bytes of a file.
    package init(
        limits: PolicyLimits = PolicyLimits(),
        cachedBytes: Int = 64 << 20,
        isLiftable: @escaping @Sendable (Policy) -> Bool,
        read: @escaping Reader,
    ) {
        self.library = BatchLibrary(
            limits: limits,
            cachedBytes: cachedBytes,
            isLiftable: isLiftable,
            read: read,
        )
    }

    /// Answers one line, without its line feed, with one line of JSON, without a line feed.
    ///
    /// Whatever the line holds, there is an answer, except for a blank line, which is nothing to be answered.
    package mutating func answer(to line: [UInt8]) -> [UInt8]? {
        let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
        return isBlank ? nil : self.answer(line).json.exactBytes()
    }

    private mutating func answer(_ line: [UInt8]) -> BatchAnswer {
        let json: JSONValue
        do {
            json = try JSONParser.parse(line, limits: Self.lineLimits)
        } catch {
            return BatchAnswer(id: .null, refusal: BatchRefusal(.line, "line: \(error)"))
        }
        return self.answer(to: json)
    }

    /// Answers one request.
    package mutating func answer(to json: JSONValue) -> BatchAnswer {
        self.library.tidy()
        var answer = BatchAnswer(id: json["id"] ?? .null)
        do throws(BatchRefusal) {
            let request = try BatchRequest(json)
            let schema = try request.schema.map { source throws(BatchRefusal) in try self.library.schema(source) }
            let policies = try self.library.policies(request)
            if let schema {
                answer.validation = self.library.validation(of: policies, schema, mode: request.mode)
            }
            let entities = try self.library.entities(request.entities, schema)
            let question = try Self.question(request, schema?.value)
            answer.decide(question, policies.value, entities, ids: self.library.ids(of: policies, request.names))
        } catch {
            answer.refuse(error)
        }
        return answer
    }

    private static func question(_ request: BatchRequest, _ schema: Schema?) throws(BatchRefusal) -> Request {
        let principal = try request.principal()
        let action = try request.action()
        let resource = try request.resource()
        let json = try request.context()
        let context: Record
        do {
            if let schema {
                context = try Record(context: json, schema: schema, action: action)
            } else {
                context = try Record(json: json)
            }
        } catch RequestValidationError.undeclaredAction {
            throw BatchRefusal(.request, "action: \(RequestValidationError.undeclaredAction(action))")
        } catch {
            throw BatchRefusal(.context, "context: \(error)")
        }
        let question = Request(principal: principal, action: action, resource: resource, context: context)
        do {
            try schema?.validate(question)
        } catch {
            throw BatchRefusal(.request, "request: \(error)")
        }
        return question
    }
}
