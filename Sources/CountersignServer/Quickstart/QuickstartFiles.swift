/// The quickstart's files, as the binary carries them; the same as those in `examples/quickstart`, which a test compares.
package enum QuickstartFiles {
    /// One file: where it goes, below the quickstart's folder, and its text.
    package static let all: [(path: String, text: String)] = [
        ("countersign.yaml", configuration), ("policies/orders.cedar", policies),
        ("policies/orders.test.yaml", cases),
        ("orders-api.credential", SampleAPI.authorization + "\n"),
    ]

    private static let configuration = """
        # The quickstart: one example API behind the gateway, one agent, one approver.
        # Paths are relative to this file. `countersign serve --quickstart` uses it and keeps its data in ./countersign-data.
        data: ./countersign-data
        policies: ./policies                  # every *.cedar and *.cedar.json below it is one set
        listen: {control: "127.0.0.1:8640", gateway: "127.0.0.1:8641"}
        log: {origin: countersign.local/log}
        hold: {http: 50s, expires: 1h}
        connections:
          - name: orders-api                  # reached as http://127.0.0.1:8641/orders-api/…
            kind: http
            upstream: http://127.0.0.1:8700   # `countersign sample-api`: an example, not a part of the product
            credential: {header: Authorization, value: "file:orders-api.credential"}
            labels: {env: demo, data: orders}
            routes:
              - {match: "GET /v1/orders", operation: listOrders}
              - {match: "GET /v1/orders/{id}", operation: getOrder}
              - {match: "POST /v1/orders", operation: createOrder}
              - {match: "DELETE /v1/orders/{id}", operation: deleteOrder}
              - {match: "POST /v1/exports", operation: exportOrders, effect: export}
              - {match: "GET /v1/stats", operation: readStatistics}
          - name: orders-tools                # the same orders as MCP tools: http://127.0.0.1:8641/orders-tools/
            kind: mcp
            upstream: http://127.0.0.1:8700/mcp
            credential: {header: Authorization, value: "file:orders-api.credential"}
            labels: {env: demo, data: orders}
            tools:                            # what is not listed has an unknown effect
              - {match: "list_*", effect: read}
              - {match: "get_*", effect: read}
              - {match: "delete_*", effect: delete}
              - {match: "export_*", effect: export}
        agents:
          - {id: quickstart-agent, owner: owner@example.com, groups: [agents]}
        users:
          - {id: approver@example.com, groups: [order-approvers]}
          - {id: owner@example.com, groups: []}

        """

    private static let policies = """
        // What agents may do with the example orders API. The policy language: https://www.cedarpolicy.com

        // Nothing is allowed unless a permit says so.
        @id("agents-may-use-the-orders-api")
        permit (
            principal in Group::"agents",
            action,
            resource in Connection::"orders-api"
        );

        @id("agents-may-use-the-orders-tools")
        permit (
            principal in Group::"agents",
            action,
            resource in Connection::"orders-tools"
        );

        // What nobody has said the effect of waits, too.
        @id("unknown-tools-need-approval")
        @approvers("order-approvers")
        @advice("The configuration does not say what this tool does.")
        forbid (
            principal,
            action == Action::"mcp:unknown",
            resource in Environment::"demo"
        );

        // A forbid with @approvers is a gate: the action waits until somebody of the group approves it.
        @id("deleting-orders-needs-approval")
        @approvers("order-approvers")
        @expires("1h")
        @grant("10m")
        @advice("Deletes an order for good. Check the order's number.")
        forbid (
            principal,
            action in Action::"delete",
            resource in Environment::"demo"
        );

        @id("exporting-orders-needs-approval")
        @approvers("order-approvers")
        @advice("Takes customers' data out of the system.")
        forbid (
            principal,
            action in Action::"export",
            resource in Environment::"demo"
        );

        """

    private static let cases = """
        # What the policies beside this file must answer. Run it with: countersign policy test
        defaults: {agent: quickstart-agent, connection: orders-api}
        cases:
          - name: reading orders passes
            request: {method: GET, path: /v1/orders}
            expect: {decision: allow, policies: [agents-may-use-the-orders-api]}
          - name: deleting an order waits for an approver
            request: {method: DELETE, path: /v1/orders/1002}
            expect:
              decision: gated
              gates: [deleting-orders-needs-approval]
              may_approve: [approver@example.com]
              may_not_approve: [owner@example.com]
          - name: an export waits, because its route says that it is one
            request: {method: POST, path: /v1/exports}
            expect: {decision: gated, gates: [exporting-orders-needs-approval]}

        """
}
