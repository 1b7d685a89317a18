import CanonicalJSON
import CountersignCore
import HTTPWire

extension HTTPConnection {
    /// Why an action that an agent describes itself is not taken as it stands; `nil` if nothing speaks against it.
    ///
    /// A document that names method and path is what the gateway would make of that request, or something graver where
    /// no route tells. One that names less is looked at as far as it goes.
    func objection(to action: Action) -> Reason? {
        let details = action.details
        for name in ["method", "path", "query", "raw_path", "raw_query", "upgrade"] {
            guard let value = details[name], value.stringValue == nil else { continue }
            return Reason(.badRequest, "context.\(name) must be text.")
        }
        guard let path = details["path"]?.stringValue else { return objectionByName(action) }
        let query = (details["raw_query"] ?? details["query"])?.stringValue.map { "?" + $0 } ?? ""
        let target: RequestTarget
        do {
            target = try RequestTarget(parsing: (details["raw_path"]?.stringValue ?? path) + query)
        } catch {
            return Reason(.badRequest, "context.path or context.query is not one of a request: \(error.message)")
        }
        guard target.normalizedPath.utf8.elementsEqual(path.utf8) else {
            return Reason(.badRequest, "context.path must be in its one spelling: \(target.normalizedPath)")
        }
        guard details["query"]?.stringValue == target.normalizedQuery else {
            return Reason(.badRequest, "context.query must be in its one spelling: \(target.normalizedQuery ?? "none")")
        }
        guard let method = details["method"]?.stringValue else {
            guard routes.contains(where: { $0.template.matches(target) }) else { return objectionByName(action) }
            return Reason(
                .badRequest,
                "context.method is missing: the connection has routes for this path, and they go by the method.",
            )
        }
        return objection(to: action.operations, method, target, upgrade: details["upgrade"]?.stringValue)
    }

    private func objection(
        to operations: [Operation],
        _ method: String,
        _ target: RequestTarget,
        upgrade: String?,
    ) -> Reason? {
        let translator = Translator(connection: self)
        let known = KnownOperation(
            translator.operation(method, target, upgrade: upgrade),
            isConfigured: translator.configuredEffect(method, target, upgrade: upgrade) != nil,
        )
        return known.objection(to: operations)
    }

    /// What an endpoint's own name tells: an operation that a route has, or `METHOD path`.
    private func objectionByName(_ action: Action) -> Reason? {
        for operation in action.operations where operation.resource.type == "Endpoint" {
            let name = String(Substring(operation.resource.id.utf8.dropFirst(self.name.rawValue.utf8.count + 1)))
            let named = routes.filter { $0.operation.map { $0.utf8.elementsEqual(name.utf8) } ?? false }
            if !named.isEmpty {
                guard !named.contains(where: { $0.admits(operation.effect) }) else { continue }
                let effects = named.map { $0.effect ?? Translator.effect(of: $0.method, upgrade: nil) }
                let words = Set(effects.map(\.rawValue)).sorted().joined(separator: " or ")
                return Reason(
                    .effectMismatch,
                    "The operation on \(operation.resource.id) is \(words) by the connection's routes, not "
                        + "\(operation.effect.rawValue). Submit it as that.",
                )
            }
            let parts = name.split(separator: " ", maxSplits: 1).map { String($0) }
            guard parts.count == 2, let target = try? RequestTarget(parsing: parts[1]) else { continue }
            if let path = action.details["path"]?.stringValue, !path.utf8.elementsEqual(target.normalizedPath.utf8) {
                let id = operation.resource.id
                return Reason(.effectMismatch, "context.path and the resource \(id) must be of one path.")
            }
            if let reason = objection(to: [operation], parts[0], target, upgrade: nil) { return reason }
        }
        return nil
    }
}

extension HTTPConnection.Route {
    /// Whether an operation of this name may have an effect.
    fileprivate func admits(_ said: Effect) -> Bool {
        if let effect { return said == effect }
        return method == "*" || !said.isMilder(than: Translator.effect(of: method, upgrade: nil))
    }
}

/// What the gateway would make of one part of an action that an agent describes itself.
struct KnownOperation {
    /// The operation as the gateway would have it.
    let operation: Operation
    /// Whether the configuration names the effect, so that no other is right; otherwise a graver one may be said, too.
    let isConfigured: Bool

    init(_ operation: Operation, isConfigured: Bool) {
        self.operation = operation
        self.isConfigured = isConfigured
    }

    /// Why operations are not this one.
    func objection(to operations: [Operation]) -> Reason? {
        for said in operations {
            guard said.resource.type == operation.resource.type,
                said.resource.id.utf8.elementsEqual(operation.resource.id.utf8)
            else {
                return Reason(
                    .effectMismatch,
                    "The resource of every operation must be what the gateway takes this call for: "
                        + "\(operation.resource.type) \(operation.resource.id)",
                )
            }
            guard isConfigured ? said.effect != operation.effect : said.effect.isMilder(than: operation.effect)
            else { continue }
            let source = isConfigured ? "by the connection's configuration" : "unless the configuration says otherwise"
            return Reason(
                .effectMismatch,
                "The operation on \(operation.resource.id) is \(operation.effect.rawValue) \(source), not "
                    + "\(said.effect.rawValue). Submit it as that.",
            )
        }
        return nil
    }
}
