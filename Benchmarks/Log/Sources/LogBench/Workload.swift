import CanonicalJSON
import CountersignCore

/// Entries as a proxied request makes them: an HTTP action with a JSON body, judged by two policies.
///
/// The action document has about 750 bytes, the entry about as many.
struct Workload: Sendable {
    private static let agents = (0..<8).map { AgentID(unchecked: "reporting-bot-\($0)") }
    private static let connection = ConnectionName(unchecked: "orders-api")
    private static let version = String(repeating: "Zm9vYmFy", count: 5) + "Zm8"
    private static let verdict = PolicyVerdict(
        answer: .allow,
        policies: ["agents-may-read-and-write-orders", "working-hours"],
        errors: [],
    )

    private let writer = EntryWriter(chance: .system)
    private let clock = SystemClock()

    /// The entry of the `number`-th request.
    func entry(_ number: Int) -> EntryDraft {
        let customer = number &* 7919 % 1_000_003
        let path = "/v1/customers/\(customer)/orders"
        let action = Action(
            agent: Self.agents[number % Self.agents.count],
            onBehalfOf: UserID(unchecked: "alice@example.com"),
            protocol: "http",
            connection: Self.connection,
            operations: [
                Operation(
                    protocol: "http",
                    effect: .write,
                    resource: ResourceReference(type: "Endpoint", id: "orders-api/POST \(path)"),
                )
            ],
            details: [
                "body": [
                    "currency": "EUR",
                    "customer": .integer(Int64(customer)),
                    "items": [
                        ["article": "A-1001", "note": "gift wrapping, blue paper", "quantity": 2],
                        ["article": "A-2002", "note": "", "quantity": 1],
                    ],
                    "reference": .string("order-\(number)"),
                    "ship_to": ["city": "Göteborg", "country": "SE", "street": "Storgatan 17", "zip": "411 24"],
                ],
                "host": "orders.internal.example",
                "method": "POST",
                "path": .string(path),
                "query": "notify=true",
            ],
        )
        return writer.judged(
            .actionAllowed,
            action,
            Circumstances(sourceAddress: "192.0.2.17", requestID: "01J9Z3YH6W0000\(number)"),
            Self.verdict,
            version: Self.version,
            at: clock.time(),
        )
    }
}
