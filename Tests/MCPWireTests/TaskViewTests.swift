import CanonicalJSON
import MCPWire
import Testing

@Suite("Tasks and results", .timeLimit(.minutes(10)))
struct TaskViewTests {
    private func view(_ status: TaskStatus, ttl: Int64? = 60_000) -> TaskView {
        TaskView(
            id: "t",
            status: status,
            statusMessage: "m",
            createdAt: "2026-11-29T00:00:00Z",
            lastUpdatedAt: "2026-11-29T00:00:01Z",
            ttlMilliseconds: ttl,
            pollIntervalMilliseconds: ttl.map { _ in 5000 },
        )
    }

    private let legacy: JSONObject = [
        "createdAt": "2026-11-29T00:00:00Z", "lastUpdatedAt": "2026-11-29T00:00:01Z", "pollInterval": 5000,
        "status": "working", "statusMessage": "m", "taskId": "t", "ttl": 60_000,
    ]

    private let modern: JSONObject = [
        "createdAt": "2026-11-29T00:00:00Z", "lastUpdatedAt": "2026-11-29T00:00:01Z", "pollIntervalMs": 5000,
        "status": "working", "statusMessage": "m", "taskId": "t", "ttlMs": 60_000,
    ]

    @Test("2025-11-25 nests a task, and may tell the model something at once")
    func legacyShape() {
        #expect(view(.working).legacyTask() == legacy)
        #expect(view(.working).legacyStatusNotification() == legacy)
        #expect(view(.working).legacyCreateResult() == ["task": .object(legacy)])
        #expect(
            view(.working).legacyCreateResult(immediate: "wait")
                == ["_meta": [MetaKey.modelImmediateResponse: "wait"], "task": .object(legacy)]
        )
    }

    @Test("a time to live without end is null, never left out; a poll interval is")
    func unlimited() {
        let task = TaskView(id: "t", status: .working, createdAt: "a", lastUpdatedAt: "b")
        #expect(
            task.legacyTask() == [
                "createdAt": "a", "lastUpdatedAt": "b", "status": "working", "taskId": "t", "ttl": nil,
            ]
        )
        #expect(task.modernCreateResult()["ttlMs"] == .null)
        #expect(task.modernCreateResult()["pollIntervalMs"] == nil)
    }

    @Test("the result of a legacy task names the task in its _meta, and keeps what else is there")
    func relatedTask() {
        let related: JSONValue = ["taskId": "t"]
        #expect(view(.completed).legacyResult([:]) == ["_meta": [MetaKey.relatedTask: related]])
        #expect(
            view(.completed).legacyResult(["_meta": ["a": 1], "content": []])
                == ["_meta": ["a": 1, MetaKey.relatedTask: related], "content": []]
        )
    }

    @Test("the tasks extension is flat: task when created, complete when asked for, neither when told")
    func modernShape() {
        var created = modern
        created["resultType"] = "task"
        #expect(view(.working).modernCreateResult() == created)
        var got = modern
        got["resultType"] = "complete"
        #expect(view(.working).modernGetResult(result: ["a": 1], error: ["b": 1]) == got)
        #expect(view(.working).modernNotification() == modern)
    }

    @Test("a task has the result, error or requests that go with its status, and no others")
    func details() {
        func members(_ status: TaskStatus) -> JSONObject {
            view(status).modernGetResult(result: ["r": 1], error: ["e": 1], inputRequests: ["i": 1])
        }
        for status in TaskStatus.allCases {
            let object = members(status)
            #expect(object["result"] == (status == .completed ? ["r": 1] : nil))
            #expect(object["error"] == (status == .failed ? ["e": 1] : nil))
            #expect(object["inputRequests"] == (status == .inputRequired ? ["i": 1] : nil))
            #expect(status.isTerminal == [.completed, .failed, .cancelled].contains(status))
        }
        #expect(view(.completed).modernNotification()["result"] == [:])
        #expect(view(.failed).modernNotification()["error"]?["code"] == .integer(RPCCode.internalError))
        #expect(view(.inputRequired).modernNotification()["inputRequests"] == [:])
    }

    @Test("a result of ours has its type in the modern era only")
    func results() {
        #expect(
            ToolResults.text("x", isError: true, meta: ["k": 1], modern: true)
                == [
                    "_meta": ["k": 1], "content": [["text": "x", "type": "text"]], "isError": true,
                    "resultType": "complete",
                ]
        )
        #expect(
            ToolResults.text("", isError: false, modern: false)
                == ["content": [["text": "", "type": "text"]], "isError": false]
        )
        #expect(ToolResults.empty(modern: true) == ["resultType": "complete"])
        #expect(ToolResults.empty(modern: false) == [:])
    }
}

@Suite("Progress", .timeLimit(.minutes(10)))
struct ProgressTests {
    private func progress(_ params: JSONObject?) -> Double? { params?["progress"]?.doubleValue }

    @Test("ours counts up from one, with the client's token and what is waited for")
    func ours() {
        var ticket = ProgressTicket(token: "p")
        #expect(ticket.next(message: "a") == ["message": "a", "progress": 1, "progressToken": "p"])
        #expect(ticket.next(message: "b") == ["message": "b", "progress": 2, "progressToken": "p"])
    }

    @Test("an upstream's goes on where ours stood, its rest as it was")
    func passing() {
        var ticket = ProgressTicket(token: 7)
        for _ in 0..<3 { _ = ticket.next(message: "") }
        let first = ticket.passing([
            "_meta": [:], "message": "m", "progress": 0, "progressToken": "theirs", "total": 10,
        ])
        #expect(first == ["_meta": [:], "message": "m", "progress": 4, "progressToken": 7, "total": 14])
        #expect(ticket.passing(["progress": 2.5, "total": 10])?["progress"] == 6.5)
        #expect(ticket.next(message: "")["progress"] == 7.5)
        #expect(ticket.passing(["progress": 10, "total": 10]) == ["progress": 15, "progressToken": 7, "total": 15])
    }

    @Test("without ours an upstream's numbers stay as they are")
    func alone() {
        var ticket = ProgressTicket(token: 1)
        #expect(progress(ticket.passing(["progress": 0, "total": 1])) == 0)
        #expect(ticket.passing(["progress": 0.25, "total": 1]) == ["progress": 0.25, "progressToken": 1, "total": 1])
    }

    @Test("what does not grow, or is no number, is not passed on")
    func dropped() {
        var ticket = ProgressTicket(token: 1)
        #expect(ticket.passing([:]) == nil)
        #expect(ticket.passing(["progress": "1"]) == nil)
        _ = ticket.passing(["progress": 5])
        for value in [5, 4, -1] as [JSONValue] { #expect(ticket.passing(["progress": value]) == nil) }
        #expect(progress(ticket.passing(["progress": 6])) == 6)
    }

    @Test("whatever an upstream counts, what the client sees only grows, and is finite")
    func hostile() {
        let numbers: [Double] = [
            0, -1e308, 1e308, .greatestFiniteMagnitude, 5, 5.000001, 9e15, 0x1p53, 1e300, -0.0, .leastNonzeroMagnitude,
        ]
        for start in numbers.indices {
            var ticket = ProgressTicket(token: 1)
            if start.isMultiple(of: 2) { _ = ticket.next(message: "") }
            var last: Double?
            for offset in 0..<40 {
                let value = numbers[(start + offset * 3) % numbers.count]
                let params: JSONObject = ["progress": .number(value), "total": .number(.greatestFiniteMagnitude)]
                let seen = [ticket.passing(params), offset.isMultiple(of: 5) ? ticket.next(message: "") : nil]
                for number in seen.compactMap({ progress($0) }) {
                    #expect(number.isFinite)
                    if let last { #expect(number > last || last == .greatestFiniteMagnitude) }
                    last = number
                }
            }
        }
    }

    @Test("a ticket is had by whoever sent a token that is a string or an integer")
    func tokens() {
        #expect(ProgressTicket(params: ["_meta": ["progressToken": "a"]])?.token == "a")
        #expect(ProgressTicket(params: ["_meta": ["progressToken": 0]])?.token == 0)
        for params in [[:], ["_meta": 1], ["_meta": [:]], ["_meta": ["progressToken": 1.5]]] as [JSONObject] {
            #expect(ProgressTicket(params: params) == nil)
        }
    }
}
