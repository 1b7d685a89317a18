package import CountersignCore
package import HTTPWire
import NIOCore

extension HTTPConnection {
    /// A connection that nothing can be sent over, to find out what requests on it would be.
    package convenience init(trying name: ConnectionName, routes: [Route]) {
        self.init(
            name: name,
            upstream: Upstream(isTLS: false, host: "localhost", port: 1, basePath: ""),
            routes: routes,
        )
    }

    /// The action that the gateway would make of a request.
    ///
    /// `fields` are the end-to-end fields that would be forwarded. `settled`, if given, stands for what the routes and
    /// the method would say of the operation.
    package func action(
        agent: AgentID,
        onBehalfOf: UserID?,
        method: String,
        target: RequestTarget,
        fields: HeaderFields,
        body: [UInt8]?,
        settled: (effect: Effect?, operation: String?) = (nil, nil),
    ) throws(Reason) -> Action {
        guard (body?.count ?? 0) <= inlineBody else {
            throw Reason(.bodyTooLarge, "The body is longer than the \(inlineBody) bytes that are kept in a document.")
        }
        let content: RequestBody.Content = body.map { .memory(ByteBuffer(bytes: $0)) } ?? .none
        let action: Action
        do {
            action = try Translator(connection: self).action(
                agent: agent,
                onBehalfOf: onBehalfOf,
                method: method,
                target: target,
                fields: fields,
                upgrade: nil,
                body: RequestBody(content: content, count: UInt64(body?.count ?? 0), trailers: HeaderFields()),
            )
        } catch {
            throw error.reason
        }
        guard let known = action.operations.first, settled.effect != nil || settled.operation != nil else {
            return action
        }
        let id = settled.operation.map { "\(name)/\($0)" } ?? known.resource.id
        return Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "http",
            connection: name,
            operations: [
                Operation(
                    protocol: "http",
                    effect: settled.effect ?? known.effect,
                    resource: ResourceReference(type: known.resource.type, id: id),
                )
            ],
            details: action.details,
        )
    }
}
