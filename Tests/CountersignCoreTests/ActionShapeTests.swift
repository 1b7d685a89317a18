import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@Suite("Actions are alike if only payload and the last part of the resource differ", .timeLimit(.minutes(10)))
struct ActionShapeTests {
    private let now = ManualClock().time()

    private func shape(
        _ id: String = "orders-api/DELETE /orders/7",
        _ details: JSONObject = JSONObject(),
        effect: Effect = .delete,
        type: String = "Endpoint",
        agent: AgentID = Fixtures.agent,
        onBehalfOf: UserID? = nil,
        gates: [Gate] = [Fixtures.gate()],
    ) throws -> ActionShape? {
        let action = Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "http",
            connection: Fixtures.connection,
            operations: [
                Operation(protocol: "http", effect: effect, resource: ResourceReference(type: type, id: id))
            ],
            details: details,
        )
        return ActionShape(try Fixtures.approval(of: action, gates: gates, at: now))
    }

    private func details(_ path: String, _ more: (String, JSONValue)...) -> JSONObject {
        JSONObject([("method", "DELETE"), ("path", .string(path))] + more)
    }

    @Test("the last part of a path, the payload and the arguments make no difference")
    func alike() throws {
        let payload: JSONValue = ["media_type": "application/json", "text": "{}"]
        let other: JSONValue = ["media_type": "application/json", "text": "{\"a\": 1}", "bytes": 8]
        #expect(
            try shape("orders-api/DELETE /orders/7", details("/orders/7", ("payload", payload)))
                == shape("orders-api/DELETE /orders/8", details("/orders/8", ("payload", other)))
        )
        #expect(
            try shape("github/close", JSONObject([("tool", "close"), ("arguments", ["id": 1])]))
                == shape("github/close", JSONObject([("tool", "close"), ("arguments", ["id": 2, "force": true])]))
        )
    }

    @Test("everything else does")
    func different() throws {
        let first = try shape("orders-api/DELETE /orders/7", details("/orders/7"))
        #expect(first != nil)
        let others = [
            try shape("orders-api/DELETE /customers/7", details("/customers/7")),
            try shape("orders-api/DELETE /orders/7", details("/orders/7", ("query", "force=true"))),
            try shape("orders-api/DELETE /orders/7", details("/orders/7", ("headers", ["x-force": ["yes"]]))),
            try shape("orders-api/DELETE /orders/7", details("/orders/7", ("payload", ["media_type": "text/plain"]))),
            try shape("orders-api/DELETE /orders/7", details("/orders/7"), effect: .write),
            try shape("orders-api/DELETE /orders/7", details("/orders/7"), type: "Other"),
            try shape(
                "orders-api/DELETE /orders/7",
                details("/orders/7"),
                agent: AgentID(unchecked: "another-bot")
            ),
            try shape(
                "orders-api/DELETE /orders/7",
                details("/orders/7"),
                onBehalfOf: UserID(unchecked: "alice@example.com")
            ),
            try shape("orders-api/DELETE /orders/7", details("/orders/7"), gates: [Fixtures.gate(policy: "other")]),
            try shape(
                "orders-api/DELETE /orders/7",
                details("/orders/7"),
                gates: [Fixtures.gate(), Fixtures.gate(policy: "other")]
            ),
        ]
        for (index, other) in others.enumerated() { #expect(first != other, "\(index)") }
        #expect(Set(others + [first]).count == others.count + 1)
    }

    @Test("a name of one part is the kind itself: two tables and two tools are never alike")
    func onePart() throws {
        #expect(try shape("orders-db/public.customers") != shape("orders-db/public.payroll"))
        #expect(try shape("github/close_issue") != shape("github/delete_repository"))
    }

    @Test("two payloads of another kind are not alike, and an erased action is like nothing")
    func kinds() throws {
        let text: JSONValue = ["media_type": "text/plain", "text": "x"]
        let json: JSONValue = ["media_type": "application/json", "text": "x"]
        #expect(try shape("a/b", details("/b", ("payload", text))) != shape("a/b", details("/b", ("payload", json))))
        var erased = try Fixtures.approval(at: now)
        erased.document = nil
        #expect(ActionShape(erased) == nil)
    }
}
